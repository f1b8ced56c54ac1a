import Foundation
import QuartetCore
import Testing

/// What cards say of the things they judge, in results, in keyword details and month by month.
@Suite struct AspectFoldTests {
    private static let id = RequestID.make()
    private static let session = AnalysisSession(
        requestID: id, productID: ProductID("p")!, manifest: [], analyzer: AnalyzerIdentity(name: "a", version: "1"))

    private static func aspect(
        _ term: String, _ polarity: Double, _ text: String, _ category: AspectCategory = .delivery
    ) -> Aspect {
        Aspect(
            term: term, opinion: "opinion", polarity: Fraction(polarity), span: 0..<text.utf8.count, text: text,
            category: category)
    }

    private static func card(
        _ ordinal: Int, _ aspects: [Aspect], polarity: Double = 0.2, keywords: [String] = ["word"], date: String? = nil
    ) -> EmotionCard {
        EmotionCard(
            requestID: id, ordinal: ordinal, reviewID: "r-\(ordinal)", month: date.flatMap(ReviewMonth.init),
            reading: EmotionReading(
                emotion: .joy, scores: EmotionScores(), polarity: Fraction(polarity), keywords: keywords, excerpt: "x",
                aspects: aspects))
    }

    private static let cards = [
        card(0, [aspect("배송", 0.5, "배송 빨라요")], date: "2026-01-03"),
        card(1, [aspect("배송", 0.9, "총알배송"), aspect("무게", -0.4, "좀 무겁다", .size)], date: "2026.2.1"),
        card(2, [aspect("무게", -0.8, "생각보다 무겁다", .size), aspect("무게", 0.7, "무게감 좋다", .size)], date: "20260210"),
        card(3, [aspect("무게", -0.8, "너무 무겁다", .usability), aspect("배송", -0.3, "배송이 늦다")], date: "2026년 2월"),
        card(4, [], date: "someday"),
    ]

    @Test func aspectsAreCountedOncePerReviewAndTellTheStrongestOfEitherSide() throws {
        let result = Fold.result(of: Self.cards, session: Self.session)
        #expect(result.aspects.map(\.term) == ["무게", "배송"])
        let weight = result.aspects[0]
        // The mean of the card that says both is neither good nor bad.
        #expect((weight.count, weight.positive, weight.negative) == (3, 0, 2))
        #expect(weight.polarity == Fraction(tenThousandths: (-4000 - 500 - 8000) / 3))
        #expect(weight.category == .size)
        #expect(weight.complaint == .init(text: "생각보다 무겁다", cards: [2, 3, 1]))
        #expect(weight.praise == .init(text: "무게감 좋다", cards: [2]))
        #expect(result.aspects[1].praise == .init(text: "총알배송", cards: [1, 0]))
        #expect(result.likes.map(\.term) == ["배송"])
        #expect(result.likes[0].agreeing == 2)
        #expect(result.dislikes.map(\.term) == ["무게"])
        #expect(result.dislikes[0].cards == [2, 3, 1])
    }

    @Test func noOrderOfTheCardsChangesAnything() {
        let expected = Fold(session: Self.session).adding(Self.cards).resultAndKeywordDetails()
        for _ in 0..<100 {
            let folded = Fold(session: Self.session).adding(Self.cards.shuffled()).resultAndKeywordDetails()
            #expect(folded.result.json == expected.result.json)
            #expect(folded.keywordDetails == expected.keywordDetails)
        }
        #expect(expected.keywordDetails.aspects == expected.result.aspects)
    }

    @Test func monthsAreThoseThatDatesTell() throws {
        let months = Fold.result(of: Self.cards, session: Self.session).months
        #expect(months.map(\.month.description) == ["2026-01", "2026-02"])
        #expect(months.map(\.reviews) == [1, 3])
        #expect(
            months[1].aspects == [
                .init(term: "무게", count: 3, positive: 0, negative: 2),
                .init(term: "배송", count: 2, positive: 1, negative: 1),
            ])
        let many = (0..<400).map {
            Self.card($0, [Self.aspect("t\($0 % 30)", 1, "t")], date: "\(1990 + $0 / 12)-\($0 % 12 + 1)")
        }
        let bounded = Fold.result(of: many, session: Self.session)
        #expect(bounded.months.count == Fold.monthsMax && bounded.aspects.count == Fold.aspectsMax)
        #expect(bounded.months.last?.month.description == "2023-04")
    }

    @Test(arguments: [
        ("2026-03-01", "2026-03"), ("2026-3", "2026-03"), ("2026/12/31 10:00", "2026-12"), ("2026. 7. 1.", "2026-07"),
        ("202611", "2026-11"), ("1970-01-01", "1970-01"),
    ])
    func aDateTellsItsMonth(date: String, month: String) {
        #expect(ReviewMonth(date: date)?.description == month)
    }

    @Test(arguments: [
        "", "03/01/2026", "1969-12", "2026", "2026-13", "2026-00-10", "20২6-01", "yesterday", "2026------1",
    ])
    func anyOtherTextIsNoDate(text: String) {
        #expect(ReviewMonth(date: text) == nil)
    }

    /// Results of analysers that name no aspects are made of words, as before; and their cards' digests are what they were.
    @Test func cardsWithoutAspectsAreAsBefore() {
        let bare = [Self.card(0, [], polarity: 0.9, keywords: ["soft"])]
        let result = Fold.result(of: bare, session: Self.session)
        #expect(result.likes.map(\.term) == ["soft"])
        #expect(result.aspects.isEmpty && result.months.isEmpty)
        let dated = Fold.result(
            of: [Self.card(0, [], polarity: 0.9, keywords: ["soft"], date: "2026-01")], session: Self.session)
        #expect(dated.digest != result.digest)
    }

    @Test func everyPartOfAnAspectCountsInTheDigest() {
        let aspect = Self.aspect("배송", 0.5, "배송 빨라요")
        let others = [
            Self.aspect("배송비", 0.5, "배송 빨라요"), Self.aspect("배송", 0.4, "배송 빨라요"), Self.aspect("배송", 0.5, "배송 빨라"),
            Self.aspect("배송", 0.5, "배송 빨라요", .price),
            Aspect(
                term: "배송", opinion: "other", polarity: aspect.polarity, span: aspect.span, text: aspect.text,
                category: .delivery),
            Aspect(
                term: "배송", opinion: "opinion", polarity: aspect.polarity, span: 1..<2, text: aspect.text,
                category: .delivery),
        ]
        let digests = ([aspect] + others).map { Fold.result(of: [Self.card(0, [$0])], session: Self.session).digest }
        #expect(Set(digests).count == digests.count)
    }
}
