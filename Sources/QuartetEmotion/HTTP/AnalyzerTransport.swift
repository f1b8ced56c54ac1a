package import ClientSupport

/// Carries one request to a model server and its answer back.
///
/// It neither repeats nor judges: any status is an answer. Cancelling the task ends the request.
package protocol AnalyzerTransport: Sendable {
    /// Posts a JSON document.
    ///
    /// - Throws: whatever kept an answer from coming: no connection, a deadline that passed, an answer beyond its bound.
    func post(_ body: [UInt8], deadline: Deadline) async throws -> AnalyzerAnswer
}

/// What a model server answered.
package struct AnalyzerAnswer: Sendable, Hashable {
    package let status: Int
    package let body: [UInt8]
    /// What the server asks to wait, from its Retry-After.
    package let retryAfter: Duration?

    package init(status: Int, body: [UInt8], retryAfter: Duration? = nil) {
        (self.status, self.body, self.retryAfter) = (status, body, retryAfter)
    }
}

/// Why a model server gave no readings.
package struct HTTPAnalyzerError: StoreFailure, Hashable {
    package enum Code: Sendable {
        /// No connection, or it broke.
        case unreachable
        /// The deadline passed.
        case timeout
        /// A status that says the server can't now: 408, 425, 429, 5xx.
        case busy
        /// Any other status: the request is wrong for this server.
        case refused
        /// An answer that is not of the agreed form.
        case badAnswer
    }

    package let code: Code
    package let message: String

    /// Reading a review changes nothing, so nothing can have happened.
    package var mayHaveHappened: Bool { false }
    package var isRetriable: Bool { isUnavailable }
    package var isUnavailable: Bool {
        switch code {
        case .unreachable, .timeout, .busy: true
        case .refused, .badAnswer: false
        }
    }

    package var description: String { "model server: \(message)" }
}
