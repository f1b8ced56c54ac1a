import ClientSupport

/// How long a test waits for what must come at last. What comes never fails by it.
package let patience = Duration.seconds(150)

/// What a test could not go on without.
package struct TestFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// Asks until there is an answer: stores do not tell of what others write into them.
///
/// - Throws: `TestFailure` when there was none in time, or what asking throws.
package func eventually<Answer>(
    _ what: String, within timeout: Duration = patience, _ ask: () async throws -> Answer?
) async throws -> Answer {
    let deadline = Deadline.after(timeout)
    while true {
        if let answer = try await ask() { return answer }
        guard !deadline.isPast else { throw TestFailure("not within \(timeout): \(what)") }
        try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(25)))
    }
}

/// Asks until it is so.
package func eventually(
    _ what: String, within timeout: Duration = patience, _ isSo: () async throws -> Bool
) async throws {
    _ = try await eventually(what, within: timeout) { try await isSo() ? true : nil } as Bool
}
