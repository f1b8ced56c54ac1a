package import ClientSupport

/// Carries one request to a supplier and its answer back. It neither repeats nor judges: any status is an answer.
package protocol SupplierTransport: Sendable {
    /// - Throws: `SupplierBodyTooLarge` for a body beyond `bytesMax`; otherwise whatever kept an answer from coming.
    func get(_ url: String, token: String?, bytesMax: Int, deadline: Deadline) async throws -> SupplierAnswer
}

/// What a supplier answered.
package struct SupplierAnswer: Sendable, Hashable {
    package let status: Int
    package let body: [UInt8]
    /// What it asks to wait.
    package let retryAfter: Duration?

    package init(status: Int, body: [UInt8], retryAfter: Duration? = nil) {
        (self.status, self.body, self.retryAfter) = (status, body, retryAfter)
    }
}

package struct SupplierBodyTooLarge: Error {
    package init() {}
}
