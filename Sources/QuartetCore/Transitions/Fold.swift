/// The pure fold of a request's cards into its result.
///
/// Cards may be added in any order and in any split: every sum is of integers, and every choice is by a total order that
/// ends with the ordinal. So the worker that finalises, an attempt that resumes and the checker that looks years later
/// get the same result from the same cards.
package struct Fold: Sendable {
    /// Is stored with each result. It grows with every change by which the same cards come to another result document, or to
    /// other keyword details.
    package static let version = 2
    package static let keywordsMax = 20
    package static let aspectsMax = 20
    package static let monthsMax = 24
    package static let aspectsPerMonthMax = 8
    package static let keywordDetailsMax = 50
    package static let opinionsMax = 8
    package static let excerptsPerEmotionMax = 2

    private let session: AnalysisSession
    package private(set) var cardCount = 0
    private var digest = CardDigest.empty
    private var emotionCounts = [Int](repeating: 0, count: Emotion.allCases.count)
    private var polaritySum = 0
    private var polarityCounts = AnalysisResult.PolarityCounts()
    private var keywords = KeywordTable()
    private var aspects = AspectTable()
    private var telling: [[Candidate]] = Array(repeating: [], count: Emotion.allCases.count)

    package init(session: AnalysisSession) {
        self.session = session
    }

    package mutating func add(_ card: EmotionCard) {
        precondition(card.requestID == session.requestID, "a card of another request")
        let reading = card.reading
        cardCount += 1
        digest.add(card)
        emotionCounts[reading.emotion.index] += 1
        polaritySum += Int(reading.polarity.tenThousandths)
        switch reading.polarity.side {
        case .positive: polarityCounts.positive += 1
        case .neutral: polarityCounts.neutral += 1
        case .negative: polarityCounts.negative += 1
        }
        keywords.add(reading.keywords, reading.polarity, ordinal: card.ordinal)
        aspects.add(card)
        if reading.emotion != .neutral { keepIfTelling(card) }
    }

    package func adding(_ cards: some Sequence<EmotionCard>) -> Fold {
        var fold = self
        for card in cards { fold.add(card) }
        return fold
    }

    package func result() -> AnalysisResult {
        result(rankedKeywords(max: Self.keywordsMax), rankedAspects())
    }

    /// ``result()`` and ``keywordDetails()``, whose words and aspects are ranked once for both.
    package func resultAndKeywordDetails() -> (result: AnalysisResult, keywordDetails: KeywordDetails) {
        let ranked = rankedKeywords(max: max(Self.keywordsMax, Self.keywordDetailsMax))
        let aspects = rankedAspects()
        return (
            result(ranked.prefix(Self.keywordsMax), aspects),
            keywordDetails(ranked.prefix(Self.keywordDetailsMax), aspects)
        )
    }

    /// - Parameter allAspects: in their order.
    private func result(
        _ ranked: some Sequence<KeywordDetails.Keyword>, _ allAspects: [AspectSummary]
    ) -> AnalysisResult {
        let rankedAspects = Array(allAspects.prefix(Self.aspectsMax))
        return AnalysisResult(
            requestID: session.requestID,
            productID: session.productID,
            analyzer: session.analyzer,
            cardCount: cardCount,
            digest: digest,
            emotionCounts: emotionCounts,
            polarity: Fraction.mean(polaritySum, of: cardCount),
            polarityCounts: polarityCounts,
            keywords: ranked.map {
                AnalysisResult.Keyword(term: $0.term, count: $0.count, polarity: $0.polarity)
            },
            aspects: rankedAspects,
            months: aspects.months(
                max: Self.monthsMax, aspectsMax: Self.aspectsPerMonthMax, ranked: rankedAspects),
            likes: aspects.isEmpty ? keywordOpinions(.positive) : Self.opinions(.positive, of: allAspects),
            dislikes: aspects.isEmpty ? keywordOpinions(.negative) : Self.opinions(.negative, of: allAspects),
            excerpts: telling.flatMap { $0 }.map(\.excerpt))
    }

    /// What the cards say of the words they name, ranked as the result's keywords are, further down.
    package func keywordDetails() -> KeywordDetails {
        keywordDetails(rankedKeywords(max: Self.keywordDetailsMax)[...], rankedAspects())
    }

    private func keywordDetails(
        _ ranked: ArraySlice<KeywordDetails.Keyword>, _ aspects: [AspectSummary]
    ) -> KeywordDetails {
        KeywordDetails(
            requestID: session.requestID, productID: session.productID, analyzer: session.analyzer,
            cardCount: cardCount, digest: digest, keywords: Array(ranked),
            aspects: Array(aspects.prefix(Self.keywordDetailsMax)))
    }

    /// The result of all `cards` at once.
    package static func result(of cards: some Sequence<EmotionCard>, session: AnalysisSession) -> AnalysisResult {
        Fold(session: session).adding(cards).result()
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

    /// Words of many reviews first, the strongest of equally frequent ones before the others.
    private func rankedKeywords(max: Int) -> [KeywordDetails.Keyword] {
        keywords.ranked(max: max) { KeywordTable.Rank(reviews: $0.count, strength: abs($0.polarity.tenThousandths)) }
            .map { $0.tally.keyword($0.term) }
    }

    /// Aspects of many reviews first, the strongest of equally frequent ones before the others.
    private func rankedAspects() -> [AspectSummary] {
        AspectTable.ranked(aspects.summaries, max: .max) {
            KeywordTable.Rank(reviews: $0.count, strength: abs($0.polarity.tenThousandths))
        }
    }

    /// Aspects whose reviews lean to one side, by how many more of them do than lean to the other.
    private static func opinions(_ side: PolaritySide, of aspects: [AspectSummary]) -> [AnalysisResult.Opinion] {
        let sign = side == .positive ? 1 : -1
        let ranked = AspectTable.ranked(aspects, max: opinionsMax) { aspect in
            let margin = sign * (aspect.positive - aspect.negative)
            guard margin > 0 else { return nil }
            return KeywordTable.Rank(reviews: margin, strength: Int32(sign) * aspect.polarity.tenThousandths)
        }
        return ranked.map { aspect in
            AnalysisResult.Opinion(
                term: aspect.term, count: aspect.count,
                agreeing: side == .positive ? aspect.positive : aspect.negative, polarity: aspect.polarity,
                cards: (side == .positive ? aspect.praise : aspect.complaint)?.cards ?? [])
        }
    }

    /// The same of words, for cards that name no aspects.
    private func keywordOpinions(_ side: PolaritySide) -> [AnalysisResult.Opinion] {
        let sign = side == .positive ? 1 : -1
        let ranked = keywords.ranked(max: Self.opinionsMax) { tally in
            let margin = sign * (tally.positive - tally.negative)
            guard margin > 0 else { return nil }
            return KeywordTable.Rank(reviews: margin, strength: Int32(sign) * tally.polarity.tenThousandths)
        }
        return ranked.map { word in
            let keyword = word.tally.keyword(word.term)
            return AnalysisResult.Opinion(
                term: word.term, count: keyword.count,
                agreeing: side == .positive ? keyword.positive : keyword.negative,
                polarity: keyword.polarity, cards: side == .positive ? keyword.best : keyword.worst)
        }
    }
}
