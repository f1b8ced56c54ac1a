/// What the cards of one request fold into.
package struct AnalysisResult: Sendable, Hashable {
    package let requestID: RequestID
    package let productID: ProductID
    package let analyzer: AnalyzerIdentity
    package let cardCount: Int
    package let digest: CardDigest
    /// How many cards are filed under each emotion, in the order of `Emotion.allCases`.
    package let emotionCounts: [Int]
    /// Mean polarity in ten-thousandths, rounded toward zero; 0 without cards.
    package let polarity: Fraction
    /// Cards with a polarity above, within and below ±``neutralBand``.
    package let polarityCounts: PolarityCounts
    package let keywords: [Keyword]
    /// What reviews judge, those of many reviews first, at most ``Fold/aspectsMax``.
    package let aspects: [AspectSummary]
    /// The last ``Fold/monthsMax`` months that the reviews' dates name, the earliest first.
    package let months: [MonthSummary]
    /// What people like: aspects that more reviews praise than blame, the widest margin first; words, where the cards name no
    /// aspects.
    package let likes: [Opinion]
    /// What people dislike.
    package let dislikes: [Opinion]
    package let excerpts: [Excerpt]

    /// Polarities nearer to 0 than this are neither good nor bad.
    package static let neutralBand = Fraction(tenThousandths: 1000)

    package struct PolarityCounts: Sendable, Hashable {
        package var positive = 0
        package var neutral = 0
        package var negative = 0

        package init(positive: Int = 0, neutral: Int = 0, negative: Int = 0) {
            self.positive = positive
            self.neutral = neutral
            self.negative = negative
        }
    }

    /// A word, in how many reviews it stood, and the mean polarity of those.
    package struct Keyword: Sendable, Hashable {
        package let term: String
        package let count: Int
        package let polarity: Fraction

        package init(term: String, count: Int, polarity: Fraction) {
            self.term = term
            self.count = count
            self.polarity = polarity
        }
    }

    /// A word that reviews lean to one side about.
    package struct Opinion: Sendable, Hashable {
        package let term: String
        /// In how many reviews it stood.
        package let count: Int
        /// How many of those are on this side.
        package let agreeing: Int
        /// The mean of all that name it.
        package let polarity: Fraction
        /// Of the cards that say it most strongly, the strongest first.
        package let cards: FewOrdinals

        package init(term: String, count: Int, agreeing: Int, polarity: Fraction, cards: FewOrdinals) {
            self.term = term
            self.count = count
            self.agreeing = agreeing
            self.polarity = polarity
            self.cards = cards
        }
    }

    /// A telling card: the strongest of its emotion.
    package struct Excerpt: Sendable, Hashable {
        package let ordinal: Int
        package let reviewID: String
        package let emotion: Emotion
        package let polarity: Fraction
        package let text: String

        package init(ordinal: Int, reviewID: String, emotion: Emotion, polarity: Fraction, text: String) {
            self.ordinal = ordinal
            self.reviewID = reviewID
            self.emotion = emotion
            self.polarity = polarity
            self.text = text
        }
    }
}
