/// Keyword details, keyed by request. They are a function of the cards, so that writing them again changes nothing.
package protocol KeywordStore: Sendable {
    /// Stores details where their request has none yet; returns for each whether it was stored (true) or there was one
    /// already (false).
    func insert(_ details: [KeywordDetails]) async throws -> [Bool]

    /// Stores details in place of whatever their requests have.
    func replace(_ details: [KeywordDetails]) async throws

    /// The details of these requests, nil where there are none.
    func details(_ ids: [RequestID]) async throws -> [KeywordDetails?]
}
