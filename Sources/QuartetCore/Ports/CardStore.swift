/// Emotion cards, keyed by (request, ordinal). The first write wins.
package protocol CardStore: Sendable {
    /// Stores cards; returns for each whether it was stored (true) or its key was taken already (false).
    func insert(_ cards: [EmotionCard]) async throws -> [Bool]

    /// Up to `limit` of a request's cards behind ordinal `after`, in ordinal order.
    func cards(of request: RequestID, after: Int?, limit: Int) async throws -> [EmotionCard]

    /// How many cards each request has.
    func counts(_ ids: [RequestID]) async throws -> [Int]
}
