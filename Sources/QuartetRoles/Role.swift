package import ServiceLifecycle

/// A part of Quartet that runs in a process of its own or beside others, in any number of copies.
///
/// `run()` returns after a graceful shutdown, with the work in hand finished or given back; it throws only what nothing
/// can be done about.
package protocol Role: Service {
    var name: String { get }
}
