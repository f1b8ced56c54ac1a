package import QuartetCore
import Testing

/// A document check store, and the ports behind which lie the documents that it reads.
package struct DocumentCheckStoreSubject: Sendable {
    package let checkStore: any DocumentCheckStore
    package let queue: any TaskQueue
    package let sessions: any SessionStore
    package let cards: any CardStore
    package let keywords: any KeywordStore

    package init(
        checkStore: any DocumentCheckStore, queue: any TaskQueue, sessions: any SessionStore, cards: any CardStore,
        keywords: any KeywordStore
    ) {
        self.checkStore = checkStore
        self.queue = queue
        self.sessions = sessions
        self.cards = cards
        self.keywords = keywords
    }

    /// On fakes.
    package static func fake() -> DocumentCheckStoreSubject {
        let (queue, sessions) = (FakeTaskQueue(), FakeSessionStore())
        let (cards, keywords) = (FakeCardStore(), FakeKeywordStore())
        return DocumentCheckStoreSubject(
            checkStore: FakeDocumentCheckStore(queue: queue, sessions: sessions, cards: cards, keywords: keywords),
            queue: queue,
            sessions: sessions, cards: cards, keywords: keywords)
    }
}

/// What every ``DocumentCheckStore`` does. Each behaviour wants a fresh subject.
package enum DocumentCheckStoreConformance {
    package static let behaviours: [Conformance<DocumentCheckStoreSubject>] = [
        Conformance("tasks come in stretches of their keys, live and dead", taskStretches),
        Conformance("a task is removed only as it was seen", taskRemoval),
        Conformance("a dead task is left in place of its own and earlier generations", burial),
        Conformance("sessions come in stretches of their keys, until they are removed", sessionStretches),
        Conformance("segments come in the order of their keys, from behind any position", cardStretches),
        Conformance("cards are removed from an ordinal on", cardRemoval),
        Conformance("keyword details come in stretches of their keys, until they are removed", keywordStretches),
    ]

    // MARK: Tasks

    private static func taskStretches(_ subject: DocumentCheckStoreSubject) async throws {
        let ids = sortedIDs(5)
        try await subject.queue.enqueue(try ids.map { try task($0, generation: 2) })
        try await subject.checkStore.buryTasks([(task: try task(ids[3], generation: 2), error: "no luck")])
        let expected = ids.map { TaskFacts(id: $0, isDead: $0 == ids[3], generation: 2) }
        try await expectStretches(of: expected, ids) { try await subject.checkStore.tasks(in: $0, limit: $1) }
        let stranger = RequestID.make()
        #expect(try await subject.checkStore.tasks(of: [ids[4], stranger, ids[3]]) == [expected[4], nil, expected[3]])
        #expect(try await subject.checkStore.tasks(of: []).isEmpty)
    }

    private static func taskRemoval(_ subject: DocumentCheckStoreSubject) async throws {
        let ids = sortedIDs(3)
        try await subject.queue.enqueue(try ids.map { try task($0, generation: 2) })
        let seen = ids.map { TaskFacts(id: $0, isDead: false, generation: 2) }
        let others = [
            TaskFacts(id: ids[0], isDead: true, generation: 2), TaskFacts(id: ids[1], isDead: false, generation: 1),
        ]
        try await subject.checkStore.removeTasks(others)
        try await subject.checkStore.removeTasks([])
        #expect(try await subject.checkStore.tasks(of: ids) == seen)
        for _ in 0..<2 {
            try await subject.checkStore.removeTasks([seen[0], seen[2]])
            #expect(try await subject.checkStore.tasks(of: ids) == [nil, seen[1], nil])
        }
    }

    private static func burial(_ subject: DocumentCheckStoreSubject) async throws {
        let ids = sortedIDs(4)
        let present = [(ids[0], 2), (ids[1], 1), (ids[2], 3)]
        try await subject.queue.enqueue(try present.map { try task($0.0, generation: $0.1) })
        let burials = try ids.map { (task: try task($0, generation: 2), error: "no luck") }
        for _ in 0..<2 {
            try await subject.checkStore.buryTasks(burials)
            let facts = try await subject.checkStore.tasks(of: ids)
            #expect(facts.map { $0?.generation } == [2, 2, 3, 2])
            #expect(facts.map { $0?.isDead } == [true, true, false, true])
        }
        let dead = try await subject.queue.dead(ids)
        #expect(dead.map { $0?.error } == ["no luck", "no luck", nil, "no luck"])
        #expect(try await subject.queue.claim(limit: 9, worker: "w", leaseDuration: .seconds(9)).count == 1)
        try await subject.checkStore.buryTasks([])
    }

    // MARK: Sessions

    private static func sessionStretches(_ subject: DocumentCheckStoreSubject) async throws {
        let ids = sortedIDs(5)
        // Pinned again, they are durable: that is what is read.
        for _ in 0..<2 { _ = try await subject.sessions.pin(try ids.map(session)) }
        try await expectStretches(of: ids, ids) { try await subject.checkStore.sessions(in: $0, limit: $1) }
        for _ in 0..<2 {
            try await subject.checkStore.removeSessions([ids[1], .make()])
            #expect(try await subject.checkStore.haveSessions(ids) == [true, false, true, true, true])
        }
        try await subject.checkStore.removeSessions([])
        #expect(try await subject.checkStore.haveSessions([]).isEmpty)
        #expect(try await subject.checkStore.sessions(in: KeyRange(), limit: 9) == ids.filter { $0 != ids[1] })
    }

    // MARK: Cards

    private static func cardStretches(_ subject: DocumentCheckStoreSubject) async throws {
        let ids = sortedIDs(3)
        let keys = [(ids[0], 0..<2), (ids[0], 2..<3), (ids[1], 0..<1), (ids[1], 11..<14), (ids[2], 2..<3)]
        let segments = keys.map { id, ordinals in CardSegment(ordinals.map { card(id, $0) }) }
        _ = try await subject.cards.insert(segments.reversed())
        func read(_ id: RequestID, _ ordinal: Int?, through: RequestID = .highest, limit: Int = 9) async throws
            -> [CardSegment]
        {
            let position = CardPosition(id: id, ordinal: ordinal)
            let read = try await subject.checkStore.segments(after: position, through: through, limit: limit)
            let keys = try await subject.checkStore.segmentKeys(after: position, through: through, limit: limit)
            #expect(keys == read.map { CardPosition(id: $0.requestID, ordinal: $0.first) })
            return read
        }
        #expect(try await read(.lowest, nil) == segments)
        #expect(try await read(ids[0], -1) == segments)
        #expect(try await read(ids[0], 0) == Array(segments[1...]))
        #expect(try await read(ids[0], nil) == Array(segments[2...]))
        #expect(try await read(ids[1], 0, through: ids[1]) == [segments[3]])
        #expect(try await read(.lowest, nil, through: ids[1]) == Array(segments[..<4]))
        #expect(try await read(ids[0], 0, limit: 2) == Array(segments[1..<3]))
        #expect(try await read(ids[2], nil).isEmpty)
    }

    private static func cardRemoval(_ subject: DocumentCheckStoreSubject) async throws {
        let ids = sortedIDs(4)
        let segments = ids.flatMap { id in [0..<3, 3..<4, 4..<8].map { CardSegment($0.map { card(id, $0) }) } }
        _ = try await subject.cards.insert(segments)
        try await subject.checkStore.removeCards([])
        for _ in 0..<2 {
            try await subject.checkStore.removeCards([
                (id: ids[0], from: 0), (id: ids[2], from: 2), (id: .make(), from: 0), (id: ids[3], from: 6),
            ])
            #expect(try await subject.cards.counts(ids) == [0, 8, 2, 6])
        }
        #expect(try await subject.cards.cards(of: ids[2], after: nil, limit: 9).map(\.ordinal) == [0, 1])
        #expect(try await subject.cards.cards(of: ids[3], after: 3, limit: 9).map(\.ordinal) == [4, 5])
    }

    // MARK: Keyword details

    private static func keywordStretches(_ subject: DocumentCheckStoreSubject) async throws {
        let ids = sortedIDs(5)
        let details = try ids.enumerated().map { index, id in
            Fold(session: try session(id)).adding((0..<index).map { card(id, $0) }).keywordDetails()
        }
        _ = try await subject.keywords.insert(details.reversed())
        try await expectStretches(of: details, ids) { try await subject.checkStore.keywordDetails(in: $0, limit: $1) }
        try await expectStretches(of: ids, ids) { try await subject.checkStore.keywordDetailsKeys(in: $0, limit: $1) }
        for _ in 0..<2 {
            try await subject.checkStore.removeKeywordDetails([ids[0], ids[3], .make()])
            #expect(try await subject.keywords.details(ids) == [nil, details[1], details[2], nil, details[4]])
        }
        try await subject.checkStore.removeKeywordDetails([])
        #expect(try await subject.checkStore.keywordDetailsKeys(in: KeyRange(), limit: 9) == [ids[1], ids[2], ids[4]])
    }

    // MARK: What is read

    private static func task(_ id: RequestID, generation: Int) throws -> AnalysisTask {
        AnalysisTask(requestID: id, productID: try #require(ProductID("p")), generation: generation)
    }

    private static func session(_ id: RequestID) throws -> AnalysisSession {
        AnalysisSession(
            requestID: id, productID: try #require(ProductID("p")), manifest: ["r"],
            analyzer: AnalyzerIdentity(name: "test", version: "1"))
    }

    private static func card(_ id: RequestID, _ ordinal: Int) -> EmotionCard {
        EmotionCard(
            requestID: id, ordinal: ordinal, reviewID: "r\(ordinal)",
            reading: EmotionReading(
                emotion: .joy, scores: EmotionScores(), polarity: Fraction(0.5), keywords: ["soft", "word\(ordinal)"],
                excerpt: "so soft"))
    }
}
