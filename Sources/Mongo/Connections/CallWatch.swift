import Synchronization

/// Looks ten times a second whether a call in flight is past its deadline. One look over all costs a caller less than a
/// timer each.
final class CallWatch: Sendable {
    static let interval: Duration = .milliseconds(100)

    private struct State {
        var calls: [ObjectIdentifier: (call: MongoCall, connection: MongoConnection)] = [:]
        var isLooking = false
    }

    private let state = Mutex(State())

    func add(_ call: MongoCall, on connection: MongoConnection) {
        let begins = state.withLock { state in
            state.calls[ObjectIdentifier(call)] = (call, connection)
            defer { state.isLooking = true }
            return !state.isLooking
        }
        if begins { Task { await look() } }
    }

    func remove(_ call: MongoCall) {
        _ = state.withLock { $0.calls.removeValue(forKey: ObjectIdentifier(call)) }
    }

    /// Ends itself when nothing is in flight.
    private func look() async {
        while true {
            try? await ContinuousClock().sleep(until: .now.advanced(by: Self.interval))
            let calls = state.withLock { state in
                state.isLooking = !state.calls.isEmpty
                return Array(state.calls.values)
            }
            if calls.isEmpty { return }
            let now = ContinuousClock.now
            for (call, connection) in calls {
                let due = call.due(now)
                if due.abandonment { call.abandon() }
                if due.interruption { connection.interrupt(call, .deadline) }
            }
        }
    }
}
