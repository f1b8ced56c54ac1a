import ClientSupport
import Foundation
import Logging
import Mongo
import QuartetCore
import QuartetStack
import QuartetStores
import QuartetTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct MongoStoresTests {
    @Test(arguments: ReviewStoreConformance.behaviours)
    func reviewsConform(_ behaviour: Conformance<any ReviewStore>) async throws {
        try await withMongo { try await behaviour.check(MongoReviewStore(client: $0)) }
    }

    /// With a read so small that hardly any two pages share one.
    @Test(arguments: ReviewStoreConformance.behaviours)
    func reviewsConformInSmallReads(_ behaviour: Conformance<any ReviewStore>) async throws {
        var configuration = MongoReviewConfiguration()
        configuration.reviewsPerReadMax = 50
        configuration.idsPerReadMax = 2
        try await withMongo { client in
            try await behaviour.check(MongoReviewStore(client: client, configuration: configuration))
        }
    }

    @Test(arguments: SessionStoreConformance.behaviours)
    func sessionsConform(_ behaviour: Conformance<any SessionStore>) async throws {
        try await withMongo { try await behaviour.check(MongoSessionStore(client: $0)) }
    }

    @Test(arguments: CardStoreConformance.behaviours)
    func cardsConform(_ behaviour: Conformance<any CardStore>) async throws {
        try await withMongo { try await behaviour.check(MongoCardStore(client: $0)) }
    }

    @Test(arguments: KeywordStoreConformance.behaviours)
    func keywordsConform(_ behaviour: Conformance<any KeywordStore>) async throws {
        try await withMongo { try await behaviour.check(MongoKeywordStore(client: $0)) }
    }

    @Test(arguments: DocumentCheckStoreConformance.behaviours)
    func documentCheckStoreConforms(_ behaviour: Conformance<DocumentCheckStoreSubject>) async throws {
        try await withMongo { client in
            let queue = MongoTaskQueue(client: client)
            try await queue.prepare()
            try await behaviour.check(
                DocumentCheckStoreSubject(
                    checkStore: MongoDocumentCheckStore(client: client), queue: queue,
                    sessions: MongoSessionStore(client: client), cards: MongoCardStore(client: client),
                    keywords: MongoKeywordStore(client: client)))
        }
    }

    @Test func keywordDetailsAreStoredAsDocumented() async throws {
        try await withMongo { client in
            let details = KeywordDetails(
                requestID: .make(), productID: try #require(ProductID("p")),
                analyzer: AnalyzerIdentity(name: "model", version: "ab"), cardCount: 3,
                digest: CardDigest(high: 1, low: 2),
                keywords: [
                    KeywordDetails.Keyword(
                        term: "배송", count: 3, positive: 2, negative: 1, polarity: Fraction(0.25), best: [2, 0],
                        worst: [1])
                ])
            let store = MongoKeywordStore(client: client)
            #expect(try await store.insert([details]) == [true])
            let expected: BSONDocument = [
                "_id": .uuid(details.requestID.uuid), "product_id": "p",
                "analyzer": ["name": "model", "version": "ab"], "reviews": .int64(3),
                "digest": "00000000000000010000000000000002",
                "keywords": [
                    [
                        "term": "배송", "count": .int32(3), "positive": .int32(2), "negative": .int32(1),
                        "polarity": 0.25, "best": [.int32(2), .int32(0)], "worst": [.int32(1)],
                    ]
                ],
            ]
            let collection = client.collection("keyword_details")
            #expect(try await collection.findOne() == expected)
            try await store.replace([details])
            #expect(try await collection.findOne() == expected)
        }
    }

    /// Sessions and cards of one election name the same term, and the next election's another one.
    @Test func aTermLastsAsLongAsItsPrimary() async throws {
        let server = try await TestStack.privateMongo()
        let client = try MongoClient(MongoConfiguration(url: server.url), logger: Logger(label: "test"))
        let outcome: Result<Void, any Error>
        do {
            let before = try await terms(client)
            #expect(before.count == 1 && before.first != WriteTerm?.none)
            await server.kill()
            try await server.start()
            try await client.waitUntilAvailable(deadline: .after(.seconds(30)))
            let after = try await terms(client)
            #expect(after.count == 1 && after.first != WriteTerm?.none)
            #expect(before.isDisjoint(with: after))
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await client.close()
        await server.stop()
        try outcome.get()
    }

    /// The terms that a session, its cards and another session name.
    private func terms(_ client: MongoClient) async throws -> Set<WriteTerm?> {
        func session() throws -> AnalysisSession {
            AnalysisSession(
                requestID: .make(), productID: try #require(ProductID("p")), manifest: ["r"],
                analyzer: AnalyzerIdentity(name: "model", version: "ab"))
        }
        let sessions = MongoSessionStore(client: client)
        let first = try await sessions.pin([try session()])[0]
        let reading = EmotionReading(
            emotion: .joy, scores: EmotionScores(), polarity: Fraction(0), keywords: [], excerpt: "")
        let card = EmotionCard(requestID: first.session.requestID, ordinal: 0, reviewID: "r", reading: reading)
        let cards = try await MongoCardStore(client: client).insert([CardSegment([card])])
        return [first.term, cards.term, try await sessions.pin([try session()])[0].term]
    }

    /// Every fraction survives the double that stands for it.
    @Test func fractionsSurviveDoubles() {
        for number in Int32(-10_000)...10_000 {
            let fraction = Fraction(tenThousandths: number)
            #expect(Fraction(fraction.value) == fraction)
        }
    }
}
