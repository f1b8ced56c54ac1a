/// The pinned list of reviews of one request: what every attempt analyses.
package struct AnalysisSession: Sendable, Hashable {
    package let requestID: RequestID
    package let productID: ProductID
    /// Review ids; a review's index is its ordinal.
    package let manifest: [String]
    /// Who made the cards, as first pinned.
    package let analyzer: AnalyzerIdentity

    package init(requestID: RequestID, productID: ProductID, manifest: [String], analyzer: AnalyzerIdentity) {
        self.requestID = requestID
        self.productID = productID
        self.manifest = manifest
        self.analyzer = analyzer
    }

    /// Whether the card is of the review that the manifest has in its place.
    package func fits(_ card: EmotionCard) -> Bool {
        manifest.indices.contains(card.ordinal) && manifest[card.ordinal] == card.reviewID
    }
}
