import Foundation
import QuartetCore
import Testing

@Suite struct FoldTests {
    private let session = AnalysisSession(
        requestID: RequestID(UUID(uuidString: "01990000-0000-7000-8000-000000000001")!), productID: ProductID("p-1")!,
        manifest: (0..<40).map { "r\($0)" }, analyzer: AnalyzerIdentity(name: "test", version: "1"))

    private func card(
        _ ordinal: Int, emotion: Emotion = .joy, polarity: Double = 0.5, keywords: [String] = ["sound"],
        excerpt: String = "loved it"
    ) -> EmotionCard {
        var scores = EmotionScores()
        scores[emotion] = Fraction(0.9)
        return EmotionCard(
            requestID: session.requestID, ordinal: ordinal, reviewID: "r\(ordinal)",
            reading: EmotionReading(
                emotion: emotion, scores: scores, polarity: Fraction(polarity), keywords: keywords, excerpt: excerpt))
    }

    private var cards: [EmotionCard] {
        (0..<40).map { ordinal in
            card(
                ordinal, emotion: Emotion.allCases[ordinal % 7], polarity: Double(ordinal % 5 - 2) / 3,
                keywords: ["k\(ordinal % 3)", "k\(ordinal % 11)"], excerpt: "stretch \(ordinal)")
        }
    }

    /// A table of places grows under thousands of words, some of which begin or end alike or differ in their composition alone.
    @Test func everyWordIsCountedForItself() {
        let words = (0..<3000).map { "word-\($0)" } + ["e\u{301}", "\u{E9}", "", "가", "각", "긴 낱말 하나 둘 셋"]
        var fold = Fold(session: session)
        for ordinal in 0..<2 {
            fold.add(card(ordinal, polarity: ordinal == 0 ? 0.5 : -0.5, keywords: words))
        }
        fold.add(card(2, keywords: ["\u{E9}", "word-7"]))
        let details = fold.keywordDetails().keywords
        #expect(details.prefix(2).map { Array($0.term.utf8) } == ["word-7", "\u{E9}"].map { Array($0.utf8) })
        #expect(details.prefix(2).allSatisfy { ($0.count, $0.best, $0.worst) == (3, [0, 2], [1]) })
        #expect(details.dropFirst(2).allSatisfy { ($0.count, $0.best, $0.worst) == (2, [0], [1]) })
        #expect(details.count == Fold.keywordDetailsMax)
    }

    @Test func theOrderOfCardsDoesNotMatter() {
        var generator = SystemRandomNumberGenerator()
        let expected = Fold.result(of: cards, session: session)
        for _ in 0..<20 {
            let fold = Fold(session: session).adding(cards.shuffled(using: &generator))
            #expect(fold.result() == expected)
            #expect(fold.keywordDetails() == Fold(session: session).adding(cards).keywordDetails())
        }
        #expect(expected.cardCount == 40)
        #expect(expected.emotionCounts.reduce(0, +) == 40)
    }

    @Test func nothingFoldsToNothing() {
        let result = Fold.result(of: [], session: session)
        #expect(result.cardCount == 0)
        #expect(result.digest == .empty)
        #expect(result.polarity == Fraction(0))
        #expect(result.keywords.isEmpty && result.excerpts.isEmpty)
        #expect(result.likes.isEmpty && result.dislikes.isEmpty)
    }

    @Test func polaritiesAreCountedAroundTheNeutralBand() {
        let cards = [0.1, 0.0999, -0.0999, -0.1].enumerated().map { card($0.offset, polarity: $0.element) }
        let counts = Fold.result(of: cards, session: session).polarityCounts
        #expect(counts == .init(positive: 1, neutral: 2, negative: 1))
    }

    @Test func keywordsAreRankedByReviewsThenStrengthThenName() {
        let cards = [
            card(0, polarity: 0.2, keywords: ["b", "a", "weak"]), card(1, polarity: 0.2, keywords: ["b", "a"]),
            card(2, polarity: -0.9, keywords: ["strong"]),
        ]
        let terms = Fold.result(of: cards, session: session).keywords.map(\.term)
        #expect(terms == ["a", "b", "strong", "weak"])
    }

    @Test func likesAndDislikesAreRankedByTheirMarginsAndLinkToTheStrongestCards() {
        let cards = [
            card(0, polarity: 0.3, keywords: ["price", "box"]), card(1, polarity: 0.9, keywords: ["price"]),
            card(2, polarity: 0.3, keywords: ["price", "sound"]), card(3, polarity: 0.5, keywords: ["price"]),
            card(4, polarity: -0.2, keywords: ["price", "strap"]), card(5, polarity: -0.8, keywords: ["strap", "box"]),
            card(6, polarity: 0.05, keywords: ["strap", "colour"]),
        ]
        let result = Fold.result(of: cards.shuffled(), session: session)
        let price = AnalysisResult.Opinion(
            term: "price", count: 5, agreeing: 4, polarity: Fraction(0.36), cards: [1, 3, 0])
        let sound = AnalysisResult.Opinion(term: "sound", count: 1, agreeing: 1, polarity: Fraction(0.3), cards: [2])
        #expect(result.likes == [price, sound])
        let strap = AnalysisResult.Opinion(
            term: "strap", count: 3, agreeing: 2, polarity: Fraction(tenThousandths: -3166), cards: [5, 4])
        #expect(result.dislikes == [strap])
    }

    @Test func keywordDetailsHaveBothSidesOfEveryWord() throws {
        let cards = [
            card(0, polarity: 0.3, keywords: ["box"]), card(1, polarity: -0.8, keywords: ["box", "lid"]),
            card(2, polarity: 0, keywords: ["box"]),
        ]
        let fold = Fold(session: session).adding(cards)
        let details = fold.keywordDetails()
        #expect(details.keywords.map(\.term) == ["box", "lid"])
        let box = try #require(details.keywords.first)
        #expect((box.count, box.positive, box.negative) == (3, 1, 1))
        #expect((box.best, box.worst) == ([0], [1]))
        #expect(details.digest == fold.result().digest)
    }

    @Test func theNumberOfWordsIsBounded() {
        let cards = (0..<200).map { card($0, polarity: $0 < 100 ? 0.5 : -0.5, keywords: ["k\($0)"]) }
        let fold = Fold(session: session).adding(cards)
        #expect(fold.result().likes.count == Fold.opinionsMax)
        #expect(fold.result().dislikes.count == Fold.opinionsMax)
        #expect(fold.keywordDetails().keywords.count == Fold.keywordDetailsMax)
    }

    @Test func theStrongestExcerptsOfEachEmotionAreKept() {
        let cards = [0.1, 0.9, 0.5, 0.7].enumerated().map {
            card($0.offset, polarity: $0.element, excerpt: "polarity \($0.element)")
        }
        let excerpts = Fold.result(of: cards + [card(9, emotion: .neutral)], session: session).excerpts
        #expect(excerpts.map(\.text) == ["polarity 0.9", "polarity 0.7"])
    }

    @Test func anyChangeOfACardChangesTheDigest() {
        func digest(_ cards: EmotionCard...) -> CardDigest { Fold.result(of: cards, session: session).digest }
        let variants = [
            digest(card(0)), digest(card(1)), digest(card(0, emotion: .fear)), digest(card(0, polarity: 0.5001)),
            digest(card(0, keywords: [])), digest(card(0, keywords: ["soun", "d"])),
            digest(card(0, keywords: ["sound", ""])), digest(card(0, excerpt: "loved  it")), digest(card(0), card(0)),
            digest(),
        ]
        #expect(Set(variants).count == variants.count)
    }

    @Test func aDigestSurvivesItsBytes() throws {
        let digest = Fold.result(of: cards, session: session).digest
        #expect(CardDigest(bytes: digest.bytes) == digest)
        #expect(digest.description.count == 32)
        #expect(CardDigest(bytes: [1, 2, 3]) == nil)
    }

    @Test func theJSONIsWhatCallersRead() throws {
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(Fold.result(of: cards, session: session).json)) as? [String: Any])
        #expect(object["reviews"] as? Int == 40)
        #expect((object["emotions"] as? [String: Int])?.count == 7)
        #expect(object["request_id"] as? String == "01990000-0000-7000-8000-000000000001")
        let liked = try #require((object["likes"] as? [[String: Any]])?.first)
        #expect(Set(liked.keys) == ["term", "count", "agreeing", "polarity", "cards"])
        #expect((object["excerpts"] as? [[String: Any]])?.isEmpty == false)
    }
}
