package import ClientSupport

/// Carries one request and its answer back. It neither repeats nor judges: any status is an answer.
package protocol PageTransport: Sendable {
    /// - Throws: `PageTooLarge` for a body beyond `bytesMax`; otherwise whatever kept an answer from coming.
    func get(_ url: String, token: String?, bytesMax: Int, deadline: Deadline) async throws -> PageAnswer
}

/// What was answered.
package struct PageAnswer: Sendable, Hashable {
    package let status: Int
    package let body: [UInt8]
    /// What it asks to wait.
    package let retryAfter: Duration?

    package init(status: Int, body: [UInt8], retryAfter: Duration? = nil) {
        (self.status, self.body, self.retryAfter) = (status, body, retryAfter)
    }
}

package struct PageTooLarge: Error {
    package init() {}
}
