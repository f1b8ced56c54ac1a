import Foundation
import QuartetCore
import Testing

@Suite("Merging sides")
struct MergeTests {
    private let ids = (0..<10).map { number in
        requestID(madeAt: Date(timeIntervalSince1970: 1_600_000_000 + Double(number)))
    }

    private func window(
        requests: [Int], results: [Int] = [], tasks: [Int] = [], sessions: [Int] = [], requestsMax: Int = 100,
        othersMax: Int = 100
    ) -> RequestWindow {
        RequestWindow(
            reading: KeyRange(), requests: requests.map { JudgeTests.request(.queued, id: ids[$0]) },
            requestsMax: requestsMax, results: results.map { ResultFacts(id: ids[$0], cardCount: 0, digest: .empty) },
            tasks: tasks.map { TaskFacts(id: ids[$0], isDead: false, generation: 1) },
            sessions: sessions.map { ids[$0] },
            othersMax: othersMax)
    }

    private func described(_ window: RequestWindow) -> [String] {
        var keys: [String] = []
        window.forEachKey { sides in
            let number = ids.firstIndex(of: sides.id).map(String.init) ?? "?"
            keys.append(
                number + (sides.request != nil ? "r" : "") + (sides.result != nil ? "s" : "")
                    + (sides.task != nil ? "t" : "") + (sides.hasSession ? "m" : ""))
        }
        return keys
    }

    @Test("each key comes once, in order, with all that is under it")
    func merging() {
        let all = window(requests: [1, 2, 5], results: [2, 3], tasks: [0, 1, 5, 9], sessions: [2, 5])
        #expect(described(all) == ["0t", "1rt", "2rsm", "3s", "5rtm", "9t"])
        #expect(all.isLast)
        #expect(described(window(requests: [])).isEmpty)
    }

    @Test("a stretch ends where the first side that came to its limit ends")
    func cutting() {
        let byRequests = window(requests: [1, 2], tasks: [2, 3], requestsMax: 2)
        #expect(described(byRequests) == ["1r", "2rt"])
        #expect(byRequests.range.through == ids[2] && !byRequests.isLast)
        let byOthers = window(requests: [1, 5, 8], tasks: [0, 2, 3], sessions: [1, 7], othersMax: 3)
        #expect(described(byOthers) == ["0t", "1rm", "2t", "3t"])
        #expect(byOthers.range.through == ids[3] && !byOthers.isLast)
    }

    @Test("stretches one after the other give every key, however small they are", arguments: 1...4)
    func stretches(size: Int) {
        let requests = [0, 3, 4, 8]
        let tasks = [0, 1, 2, 5, 6, 7, 8, 9]
        var found: [String] = []
        var after = RequestID.lowest
        while true {
            let window = RequestWindow(
                reading: KeyRange(after: after),
                requests: requests.map { ids[$0] }.filter { after < $0 }.prefix(size)
                    .map { JudgeTests.request(.queued, id: $0) },
                requestsMax: size, results: [],
                tasks: tasks.map { ids[$0] }.filter { after < $0 }.prefix(size)
                    .map { TaskFacts(id: $0, isDead: false, generation: 1) },
                sessions: [], othersMax: size)
            found += described(window)
            if window.isLast { break }
            after = window.range.through
        }
        #expect(found == ["0rt", "1t", "2t", "3r", "4r", "5t", "6t", "7t", "8rt", "9t"])
    }
}

@Suite("Folding cards again")
struct CardWalkTests {
    private let ids = (0..<6).map { _ in RequestID.make() }
    private let product = ProductID("p")!
    private let analyzer = AnalyzerIdentity(name: "a/b", version: "1")

    private func cards(_ number: Int, _ ordinals: Range<Int>) -> [EmotionCard] {
        ordinals.map { ordinal in
            EmotionCard(
                requestID: ids[number], ordinal: ordinal, reviewID: "r\(ordinal)",
                reading: EmotionReading(
                    emotion: .joy, scores: EmotionScores(), polarity: Fraction(0.5), keywords: ["k"], excerpt: "e"))
        }
    }

    /// Another release may tell the same cards otherwise; which cards they are is no matter of that.
    @Test func resultsOfAnotherFoldAreNotComparedToTheByte() {
        let cards = cards(0, 0..<2)
        func old(_ document: ResultDocument, digest: CardDigest? = nil) -> ResultDocument {
            ResultDocument(
                facts: ResultFacts(
                    id: document.id, cardCount: document.facts.cardCount, digest: digest ?? document.facts.digest),
                productID: product, analyzer: analyzer, json: Array("{}".utf8), foldVersion: Fold.version + 1)
        }
        let right = document(0, of: cards)
        let details = [details(of: ids[0], cards)].map { details in
            KeywordDetails(
                requestID: details.requestID, productID: details.productID, analyzer: details.analyzer,
                cardCount: details.cardCount, digest: details.digest, keywords: [])
        }
        #expect(found([old(right)], cards, details: details, requests: [0], chunk: 9).isEmpty)
        #expect(
            found([old(right, digest: .empty)], cards, details: details, requests: [0], chunk: 9).map(\.kind)
                == [.foldDigest])
    }

    private func document(_ number: Int, of cards: [EmotionCard], json: [UInt8]? = nil) -> ResultDocument {
        let session = AnalysisSession(requestID: ids[number], productID: product, manifest: [], analyzer: analyzer)
        let result = Fold.result(of: cards, session: session)
        return ResultDocument(
            facts: ResultFacts(id: ids[number], cardCount: result.cardCount, digest: result.digest),
            productID: product, analyzer: analyzer, json: json ?? result.json)
    }

    private func found(
        _ results: [ResultDocument], _ cards: [EmotionCard], details: [KeywordDetails]? = nil,
        keys: [Int] = [], requests: [Int], chunk: Int
    ) -> [CardWalk.Disagreement] {
        let details = StretchDetails(
            ofResults: details ?? results.map { self.details(of: $0.id, cards) }, keys: keys.map { ids[$0] })
        var walk = CardWalk(requests: requests.map { ids[$0] }, results: results, details: details) { _ in true }
        for start in stride(from: 0, to: cards.count, by: chunk) {
            walk.add(CardSegment.runs(of: cards[start..<min(start + chunk, cards.count)]))
        }
        return walk.finish()
    }

    private func details(of id: RequestID, _ cards: [EmotionCard]) -> KeywordDetails {
        Fold(session: AnalysisSession(requestID: id, productID: product, manifest: [], analyzer: analyzer))
            .adding(cards.filter { $0.requestID == id }).keywordDetails()
    }

    @Test("results that are their cards' fold agree, however the cards come", arguments: [1, 2, 3, 100])
    func agreement(chunk: Int) {
        let all = cards(0, 0..<3) + cards(2, 0..<1) + cards(4, 0..<5)
        let results = [
            document(0, of: cards(0, 0..<3)), document(1, of: []), document(4, of: cards(4, 0..<5)),
        ]
        #expect(found(results, all, requests: [0, 1, 2, 3, 4], chunk: chunk).isEmpty)
    }

    @Test("each way of disagreeing is told", arguments: [1, 2, 100])
    func disagreement(chunk: Int) {
        let all = cards(0, 0..<2) + cards(2, 0..<2) + cards(3, 0..<1) + cards(5, 0..<4)
        let results = [
            document(0, of: cards(0, 0..<3)), document(1, of: cards(1, 0..<1)), document(2, of: cards(2, 1..<3)),
            document(3, of: cards(3, 0..<1), json: Array("{}".utf8)),
        ]
        let expected: [CardWalk.Disagreement] = [
            .init(id: ids[0], kind: .foldCount, cardCount: 2), .init(id: ids[1], kind: .foldCount, cardCount: 0),
            .init(id: ids[2], kind: .foldDigest, cardCount: 2), .init(id: ids[3], kind: .foldDocument, cardCount: 1),
            .init(id: ids[5], kind: .cardsOrphaned, cardCount: 4),
        ]
        #expect(Set(found(results, all, requests: [0, 1, 2, 3], chunk: chunk)) == Set(expected))
    }

    @Test("keyword details are told that are missing, of other cards, or of no request", arguments: [1, 2, 100])
    func keywords(chunk: Int) {
        let all = cards(0, 0..<2) + cards(2, 0..<2) + cards(3, 0..<1)
        let results = [0, 1, 2, 3].map { number in document(number, of: all.filter { $0.requestID == ids[number] }) }
        let kept = [details(of: ids[0], all), details(of: ids[2], cards(2, 0..<1)), details(of: ids[3], all)]
        let expected: [CardWalk.Disagreement] = [
            .init(id: ids[1], kind: .keywordsMissing, cardCount: 0),
            .init(id: ids[2], kind: .keywordsFold, cardCount: 2),
            .init(id: ids[5], kind: .keywordsOrphaned, cardCount: 0),
        ]
        let found = found(results, all, details: kept, keys: [0, 2, 3, 4, 5], requests: [0, 1, 2, 3, 4], chunk: chunk)
        #expect(Set(found) == Set(expected) && found.count == expected.count)
    }

    @Test("keyword details agree only if all that they say is of the cards")
    func keywordDetails() throws {
        let own = details(of: ids[0], cards(0, 0..<2))
        let word = try #require(own.keywords.first)
        func changed(
            product: ProductID? = nil, analyzer: AnalyzerIdentity? = nil, count: Int? = nil, digest: CardDigest? = nil,
            keywords: [KeywordDetails.Keyword]? = nil
        ) -> KeywordDetails {
            KeywordDetails(
                requestID: own.requestID, productID: product ?? own.productID, analyzer: analyzer ?? own.analyzer,
                cardCount: count ?? own.cardCount, digest: digest ?? own.digest, keywords: keywords ?? own.keywords)
        }
        func disagreement(_ stored: KeywordDetails?) -> FindingKind? {
            KeywordDetails.disagreement(of: stored, with: own)
        }
        #expect(disagreement(own) == nil)
        #expect(disagreement(nil) == .keywordsMissing)
        // As a result's row names it.
        #expect(disagreement(changed(analyzer: AnalyzerIdentity(name: "a", version: "b/1"))) == nil)
        let others = [
            changed(product: ProductID("q")), changed(analyzer: AnalyzerIdentity(name: "a/b", version: "2")),
            changed(count: 3), changed(digest: .empty), changed(keywords: []),
            changed(keywords: [
                KeywordDetails.Keyword(
                    term: word.term, count: word.count, positive: word.positive, negative: word.negative,
                    polarity: word.polarity, best: [1, 0], worst: word.worst)
            ]),
        ]
        for other in others { #expect(disagreement(other) == .keywordsFold) }
    }
}

@Suite("Sweep options")
struct SweepOptionsTests {
    @Test("a sample has about its part of all keys, and always the same ones")
    func sampling() {
        let ids = (0..<20_000).map { _ in RequestID.make() }
        let sample = KeySample(0.1)
        let chosen = ids.filter(sample.contains)
        #expect((1_700...2_300).contains(chosen.count))
        #expect(chosen == ids.filter(KeySample(0.1).contains))
        #expect(Set(chosen).isSubset(of: ids.filter(KeySample(0.2).contains)))
        #expect(ids.allSatisfy(KeySample(1).contains))
        #expect(!ids.contains(where: KeySample(0).contains))
    }

    @Test("two sweeps have the same text if they do the same")
    func text() {
        var one = SweepOptions()
        one.invariants = [.i4, .i1]
        var other = SweepOptions()
        other.invariants = [.i1, .i4]
        #expect(one.text == other.text)
        other.repairs = true
        #expect(one.text != other.text)
    }

    @Test("schedules are read, and say how long to wait")
    func schedules() {
        func read(_ text: String) -> CheckSchedule? {
            CheckSchedule(text) { $0.hasSuffix("h") ? Int($0.dropLast()).map { .seconds($0 * 3600) } : nil }
        }
        #expect(read("off") == .never)
        #expect(read("03:05") == .daily(hour: 3, minute: 5))
        #expect(read("6h") == .every(.seconds(21_600)))
        for text in ["24:00", "3:00", "03:60", "", "daily", "0h", "03:0x"] { #expect(read(text) == nil, "\(text)") }
        let daily = CheckSchedule.daily(hour: 3, minute: 0)
        #expect(daily.delay(secondsOfDay: 2 * 3600) == .seconds(3600))
        #expect(daily.delay(secondsOfDay: 3 * 3600) == .seconds(86_400))
        #expect(daily.delay(secondsOfDay: 23 * 3600) == .seconds(4 * 3600))
        #expect(CheckSchedule.never.delay(secondsOfDay: 0) == nil)
    }
}
