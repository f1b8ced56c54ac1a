/// Emotion cards in segments, keyed by (request, first ordinal). The first write wins; ``CardSegment`` says where a writer
/// may insert one.
package protocol CardStore: Sendable {
    /// Stores segments durably, each as a whole; says for each whether it was stored (true) or its key was taken already
    /// (false).
    func insert(_ segments: [CardSegment]) async throws -> InsertedSegments

    /// Puts the second segment of each pair, which has the key of the first, in place of that one, or removes it where there
    /// is none, as long as what is stored is of the same reviews; a damaged one is replaced whatever it holds.
    func replace(_ pairs: [(stored: CardSegment, by: CardSegment?)]) async throws

    /// A request's segments with cards behind ordinal `after`, in order, each whole up to where the next one begins: as many
    /// as hold `limit` such cards or more, unless there are no more.
    func segments(of request: RequestID, after: Int?, limit: Int) async throws -> [CardSegment]

    /// For each place, the segments that begin there or behind it, in order: as many as one read brings, and at least the
    /// first.
    func pages(_ places: [CardPlace]) async throws -> [CardPage]

    /// How many cards each request has.
    func counts(_ ids: [RequestID]) async throws -> [Int]
}

extension CardStore {
    /// Up to `limit` of a request's cards behind ordinal `after`, in ordinal order.
    package func cards(of request: RequestID, after: Int?, limit: Int) async throws -> [EmotionCard] {
        let segments = try await segments(of: request, after: after, limit: limit)
        return Array(segments.lazy.flatMap(\.cards).filter { $0.ordinal > after ?? -1 }.prefix(limit))
    }

    /// All of a request's segments, read some at a time.
    package func forEachSegment(
        of request: RequestID, cardsPerRead: Int, _ body: (CardSegment) async throws -> Void
    ) async throws {
        var after: Int?
        while case let page = try await segments(of: request, after: after, limit: cardsPerRead), let last = page.last {
            for segment in page { try await body(segment) }
            let place = max(last.end - 1, last.first)
            // Where the key itself is damaged, nothing can come behind it.
            guard place > after ?? -1 else { return }
            after = place
        }
    }
}

/// Where a reader of a request's cards is: the ordinal that comes next.
package struct CardPlace: Sendable, Hashable {
    package let requestID: RequestID
    package let ordinal: Int

    package init(_ requestID: RequestID, _ ordinal: Int) {
        self.requestID = requestID
        self.ordinal = ordinal
    }
}

package struct CardPage: Sendable, Hashable {
    /// Each whole up to where the next one begins.
    package let segments: [CardSegment]
    /// Whether there may be more behind them.
    package let hasMore: Bool

    package init(_ segments: [CardSegment] = [], hasMore: Bool = false) {
        self.segments = segments
        self.hasMore = hasMore
    }
}

package struct InsertedSegments: Sendable, Hashable {
    package let isNew: [Bool]
    /// In which all of these segments were written. Nil where it was not one, or where the store does not say.
    package let term: WriteTerm?

    package init(isNew: [Bool], term: WriteTerm? = nil) {
        self.isNew = isNew
        self.term = term
    }
}
