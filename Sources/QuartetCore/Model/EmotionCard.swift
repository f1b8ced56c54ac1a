/// What an analyser reads in one review.
package struct EmotionReading: Hashable, Sendable {
    /// The emotion the card is filed under.
    package let emotion: Emotion
    package let scores: EmotionScores
    /// -1 (bad) ... 1 (good).
    package let polarity: Fraction
    /// At most 16, each at most 64 bytes, most telling first.
    package let keywords: [String]
    /// The stretch of text that decided, at most 240 bytes.
    package let excerpt: String
    /// What the review judges, at most ``Aspect/countMax``, in the order of the text; none where the analyser gives none.
    package let aspects: [Aspect]

    package init(
        emotion: Emotion, scores: EmotionScores, polarity: Fraction, keywords: [String], excerpt: String,
        aspects: [Aspect] = []
    ) {
        self.emotion = emotion
        self.scores = scores
        self.polarity = polarity
        self.keywords = keywords
        self.excerpt = excerpt
        self.aspects = aspects
    }
}

/// The reading of one review of one request: keyed by (request, ordinal), written once, the first write wins.
package struct EmotionCard: Hashable, Sendable {
    package let requestID: RequestID
    /// The review's place in the manifest, from 0.
    package let ordinal: Int
    package let reviewID: String
    /// When the review was written, where its date tells.
    package let month: ReviewMonth?
    package let reading: EmotionReading

    package init(
        requestID: RequestID, ordinal: Int, reviewID: String, month: ReviewMonth? = nil, reading: EmotionReading
    ) {
        self.requestID = requestID
        self.ordinal = ordinal
        self.reviewID = reviewID
        self.month = month
        self.reading = reading
    }
}
