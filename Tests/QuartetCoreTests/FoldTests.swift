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

    @Test func theOrderOfCardsDoesNotMatter() {
        var generator = SystemRandomNumberGenerator()
        let expected = Fold.result(of: cards, session: session)
        for _ in 0..<20 {
            #expect(Fold.result(of: cards.shuffled(using: &generator), session: session) == expected)
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
        #expect((object["excerpts"] as? [[String: Any]])?.isEmpty == false)
    }
}
