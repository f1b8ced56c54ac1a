/// What the cards of one analysis say of the words they name: a pure function of the cards, keyed by the request.
package struct KeywordDetails: Sendable, Hashable {
    package let requestID: RequestID
    package let productID: ProductID
    package let analyzer: AnalyzerIdentity
    package let cardCount: Int
    /// Of the cards that were counted.
    package let digest: CardDigest
    /// Those of many reviews first, at most ``Fold/keywordDetailsMax``.
    package let keywords: [Keyword]
    /// Those of many reviews first, at most ``Fold/keywordDetailsMax``.
    package let aspects: [AspectSummary]

    package init(
        requestID: RequestID, productID: ProductID, analyzer: AnalyzerIdentity, cardCount: Int, digest: CardDigest,
        keywords: [Keyword], aspects: [AspectSummary] = []
    ) {
        self.requestID = requestID
        self.productID = productID
        self.analyzer = analyzer
        self.cardCount = cardCount
        self.digest = digest
        self.keywords = keywords
        self.aspects = aspects
    }

    /// Stands for details that are stored and can't be read: no cards fold into them.
    package static func unreadable(_ id: RequestID) -> KeywordDetails? {
        guard let unknown = ProductID("unknown") else { return nil }
        return KeywordDetails(
            requestID: id, productID: unknown, analyzer: AnalyzerIdentity(name: "", version: ""), cardCount: -1,
            digest: CardDigest(high: 0, low: 0), keywords: [])
    }

    package var isReadable: Bool { cardCount >= 0 }

    package struct Keyword: Sendable, Hashable {
        package let term: String
        /// How many reviews name it; some are neither good nor bad.
        package let count: Int
        package let positive: Int
        package let negative: Int
        /// The mean of those reviews.
        package let polarity: Fraction
        /// Of its best cards, the best first.
        package let best: FewOrdinals
        /// Of its worst cards, the worst first.
        package let worst: FewOrdinals

        package init(
            term: String, count: Int, positive: Int, negative: Int, polarity: Fraction, best: FewOrdinals,
            worst: FewOrdinals
        ) {
            self.term = term
            self.count = count
            self.positive = positive
            self.negative = negative
            self.polarity = polarity
            self.best = best
            self.worst = worst
        }
    }
}
