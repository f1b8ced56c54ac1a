/// The instant by which an operation must have ended. A timeout is a duration, a deadline is an instant: it can be
/// handed down through several calls without growing.
package struct Deadline: Sendable, Hashable, Comparable {
    package let instant: ContinuousClock.Instant

    package init(_ instant: ContinuousClock.Instant) {
        self.instant = instant
    }

    /// The deadline `timeout` from now.
    package static func after(_ timeout: Duration) -> Deadline {
        Deadline(ContinuousClock.now.advanced(by: timeout))
    }

    /// What is left of it; negative once it is past.
    package var remaining: Duration { ContinuousClock.now.duration(to: instant) }

    package var isPast: Bool { remaining <= .zero }

    /// Whole milliseconds left, at least 0, as C libraries want it. Rounds up, so that a wait does not end early.
    package var remainingMilliseconds: Int32 {
        let left = remaining
        guard left > .zero else { return 0 }
        return Int32(min(left.wholeMilliseconds, 2_000_000_000))
    }

    package static func < (left: Deadline, right: Deadline) -> Bool { left.instant < right.instant }
}

/// A deadline passed before the operation began; what waits inside a client throws the client's own error instead.
package struct DeadlineExceeded: StoreFailure {
    package let waitingFor: String

    package init(waitingFor: String) {
        self.waitingFor = waitingFor
    }

    package var mayHaveHappened: Bool { false }
    package var isRetriable: Bool { true }
    package var isUnavailable: Bool { true }
    package var description: String { "deadline passed while waiting for \(waitingFor)" }
}

/// Runs `body` and cancels it once `deadline` passes.
///
/// - Throws: what `body` throws, or `DeadlineExceeded` when the deadline came first.
package func withDeadline<Value: Sendable>(
    _ deadline: Deadline, waitingFor: String, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await ContinuousClock().sleep(until: deadline.instant)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else {
            throw DeadlineExceeded(waitingFor: waitingFor)
        }
        return value
    }
}
