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

    package struct Keyword: Sendable, Hashable {
        package let term: String
        /// How many reviews name it; some are neither good nor bad.
        package let count: Int
        package let positive: Int
        package let negative: Int
        /// The mean of those reviews.
        package let polarity: Fraction
        /// The ordinals of its best cards, at most three, the best first.
        package let best: [Int]
        /// The ordinals of its worst cards, at most three, the worst first.
        package let worst: [Int]

        package init(
            term: String, count: Int, positive: Int, negative: Int, polarity: Fraction, best: [Int], worst: [Int]
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
