/// Emotion cards, keyed by (request, ordinal). The first write wins.
package protocol CardStore: Sendable {
    /// Stores cards durably; says for each whether it was stored (true) or its key was taken already (false).
    func insert(_ cards: [EmotionCard]) async throws -> InsertedCards

    /// Removes cards as long as they are of the same review.
    func remove(_ cards: [EmotionCard]) async throws

    /// Up to `limit` of a request's cards behind ordinal `after`, in ordinal order.
    func cards(of request: RequestID, after: Int?, limit: Int) async throws -> [EmotionCard]

    /// How many cards each request has.
    func counts(_ ids: [RequestID]) async throws -> [Int]
}

package struct InsertedCards: Sendable, Hashable {
    package let isNew: [Bool]
    /// In which all of these cards were written. Nil where it was not one, or where the store does not say.
    package let term: WriteTerm?

    package init(isNew: [Bool], term: WriteTerm? = nil) {
        self.isNew = isNew
        self.term = term
    }
}
