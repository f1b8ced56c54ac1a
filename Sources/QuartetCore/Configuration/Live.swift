/// A configuration that may change while it is used: whoever needs it asks for it each time, and keeps no copy.
package struct Live<Value: Sendable>: Sendable {
    private let read: @Sendable () -> Value

    /// One that never changes.
    package init(_ value: Value) {
        read = { value }
    }

    package init(reading read: @escaping @Sendable () -> Value) {
        self.read = read
    }

    package var now: Value { read() }

    /// Waits for as long as the configuration says, counted from now; where that changes meanwhile, the new time counts
    /// within a second. Nil waits until it changes.
    package func wait(_ duration: (Value) -> Duration?) async throws {
        let start = ContinuousClock.now
        while true {
            let end = duration(now).map { start.advanced(by: $0) }
            if let end, end <= .now { return }
            let look = ContinuousClock.now.advanced(by: .seconds(1))
            try await ContinuousClock().sleep(until: end.map { min($0, look) } ?? look)
        }
    }
}
