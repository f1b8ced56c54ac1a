/// What every store client's error tells its caller, whatever the store.
///
/// Each client has one error struct of its own (code, message, cause, location) that conforms. Callers decide from
/// these three answers alone whether to repeat, to report, or to look whether the write arrived.
package protocol StoreFailure: Error, CustomStringConvertible {
    /// The operation may have taken effect although it failed: the connection went away after it was sent, or a
    /// deadline passed while the server worked on it.
    var mayHaveHappened: Bool { get }

    /// The same call may succeed later without a change: a lost connection, a deadlock, a failover.
    var isRetriable: Bool { get }

    /// The store as a whole could not be reached, so every neighbour of this call fails alike.
    var isUnavailable: Bool { get }

    /// Somebody else holds what this call needs; its neighbours may need something else.
    var isContended: Bool { get }

    /// What was given is refused for what it is: it stays refused, whatever becomes of the store.
    var isRefusedValue: Bool { get }
}

extension StoreFailure {
    package var isContended: Bool { false }
    package var isRefusedValue: Bool { false }
}

/// How calls meet what somebody else holds.
package enum Contention {
    /// True while a batcher looks for the item that is held up: calls then wait for hardly any lock.
    @TaskLocal package static var isProbing = false
}
