package import Synchronization

/// Held while a process is made: until it runs its program it has a copy of every descriptor of this one. Whoever closes a
/// socket and needs it closed at that moment holds this too.
package let spawnLock = Mutex(())
