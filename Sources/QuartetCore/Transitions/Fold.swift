/// The pure fold of a request's cards into its result.
///
/// Cards may be added in any order and in any split: every sum is of integers, and every choice is by a total order that
/// ends with the ordinal. So the worker that finalises, an attempt that resumes and the checker that looks years later
/// get the same result from the same cards.
package struct Fold: Sendable {
    package static let keywordsMax = 20
    package static let excerptsPerEmotionMax = 2

    private let session: AnalysisSession
    private var cardCount = 0
    private var digest = CardDigest.empty
    private var emotionCounts = [Int](repeating: 0, count: Emotion.allCases.count)
    private var polaritySum = 0
    private var polarityCounts = AnalysisResult.PolarityCounts()
    private var keywords: [String: (count: Int, polaritySum: Int)] = [:]
    private var telling: [[Candidate]] = Array(repeating: [], count: Emotion.allCases.count)

    package init(session: AnalysisSession) {
        self.session = session
    }

    package mutating func add(_ card: EmotionCard) {
        precondition(card.requestID == session.requestID, "a card of another request")
        let reading = card.reading
        let polarity = Int(reading.polarity.tenThousandths)
        cardCount += 1
        digest.add(card)
        emotionCounts[reading.emotion.index] += 1
        polaritySum += polarity
        if reading.polarity >= AnalysisResult.neutralBand {
            polarityCounts.positive += 1
        } else if polarity <= -Int(AnalysisResult.neutralBand.tenThousandths) {
            polarityCounts.negative += 1
        } else {
            polarityCounts.neutral += 1
        }
        for keyword in reading.keywords {
            keywords[keyword, default: (0, 0)].count += 1
            keywords[keyword, default: (0, 0)].polaritySum += polarity
        }
        if reading.emotion != .neutral { keepIfTelling(card) }
    }

    package func result() -> AnalysisResult {
        AnalysisResult(
            requestID: session.requestID,
            productID: session.productID,
            analyzer: session.analyzer,
            cardCount: cardCount,
            digest: digest,
            emotionCounts: emotionCounts,
            polarity: Self.mean(polaritySum, of: cardCount),
            polarityCounts: polarityCounts,
            keywords: rankedKeywords(),
            excerpts: telling.flatMap { $0 }.map(\.excerpt))
    }

    /// The result of all `cards` at once.
    package static func result(of cards: some Sequence<EmotionCard>, session: AnalysisSession) -> AnalysisResult {
        var fold = Fold(session: session)
        for card in cards { fold.add(card) }
        return fold.result()
    }

    private struct Candidate: Sendable {
        let strength: Int
        let excerpt: AnalysisResult.Excerpt

        func precedes(_ other: Candidate) -> Bool {
            (other.strength, excerpt.ordinal) < (strength, other.excerpt.ordinal)
        }
    }

    private mutating func keepIfTelling(_ card: EmotionCard) {
        let reading = card.reading
        guard !reading.excerpt.isEmpty else { return }
        let strength = Int(reading.scores[reading.emotion].tenThousandths) + abs(Int(reading.polarity.tenThousandths))
        let row = reading.emotion.index
        if telling[row].count == Self.excerptsPerEmotionMax, let last = telling[row].last, strength < last.strength {
            return
        }
        let candidate = Candidate(
            strength: strength,
            excerpt: AnalysisResult.Excerpt(
                ordinal: card.ordinal, reviewID: card.reviewID, emotion: reading.emotion, polarity: reading.polarity,
                text: reading.excerpt))
        let place = telling[row].firstIndex { candidate.precedes($0) } ?? telling[row].count
        telling[row].insert(candidate, at: place)
        if telling[row].count > Self.excerptsPerEmotionMax { telling[row].removeLast() }
    }

    /// Words of more than one review first, the strongest of equally frequent ones before the others.
    private func rankedKeywords() -> [AnalysisResult.Keyword] {
        let ranked = keywords.map { term, sums in
            AnalysisResult.Keyword(
                term: term, count: sums.count, polarity: Self.mean(sums.polaritySum, of: sums.count))
        }
        .sorted { left, right in
            let leftStrength = abs(left.polarity.tenThousandths)
            let rightStrength = abs(right.polarity.tenThousandths)
            return (right.count, rightStrength, left.term) < (left.count, leftStrength, right.term)
        }
        return Array(ranked.prefix(Self.keywordsMax))
    }

    private static func mean(_ sum: Int, of count: Int) -> Fraction {
        Fraction(tenThousandths: count == 0 ? 0 : Int32(sum / count))
    }
}
