import Foundation
import Logging
import Mongo
import QuartetCore
import QuartetStack
import QuartetStores
import QuartetTesting
import Synchronization
import Testing

/// How cards lie in MongoDB, what people read them through, and how those of the older layout come into this one.
@Suite struct CardCollectionTests {
    private func card(_ id: RequestID, _ ordinal: Int) -> EmotionCard {
        var scores = EmotionScores()
        scores[.joy] = Fraction(tenThousandths: 8123)
        return EmotionCard(
            requestID: id, ordinal: ordinal, reviewID: "r\(ordinal)",
            reading: EmotionReading(
                emotion: .joy, scores: scores, polarity: Fraction(tenThousandths: -1), keywords: ["배송", "fast"],
                excerpt: "good"))
    }

    private func segment(_ id: RequestID, _ ordinals: Range<Int>) -> CardSegment {
        CardSegment(ordinals.map { card(id, $0) })
    }

    @Test func segmentsAreStoredAsDocumentedAndReadCardByCard() async throws {
        try await withMongo { client in
            try await CardCollections(client: client).prepare()
            let id = RequestID.make()
            #expect(try await MongoCardStore(client: client).insert([segment(id, 7..<9)]).isNew == [true])
            let stored = try #require(try await client.collection("emotion_card_segments").findOne())
            #expect(stored.map(\.key) == ["_id", "request_id", "cards", "created_at"])
            #expect(stored["_id"] == ["request_id": .uuid(id.uuid), "first": .int32(7)])
            let seen = try await client.collection("emotion_cards").find(
                ["request_id": .uuid(id.uuid)], MongoFindOptions(sort: ["_id": 1]))
            #expect(seen.count == 2)
            let second = try #require(seen.last)
            #expect(second["_id"] == ["request_id": .uuid(id.uuid), "ordinal": .int32(8)])
            #expect(
                Set(second.map(\.key)) == [
                    "_id", "request_id", "review_id", "emotion", "scores", "polarity", "keywords", "excerpt",
                    "created_at",
                ])
            #expect(second["review_id"] == "r8")
            #expect(second["scores"]?.asDocument?["joy"] == .double(0.8123))
            #expect(second["polarity"] == .double(-0.0001))
            #expect(second["keywords"] == ["배송", "fast"])
        }
    }

    /// Whoever looks for a request's cards with other means reads its segments only, and so do the pages of one's own.
    @Test func aRequestsCardsAreFoundByIndexes() async throws {
        try await withMongo { client in
            try await CardCollections(client: client).prepare()
            let ids = (0..<50).map { _ in RequestID.make() }
            _ = try await MongoCardStore(client: client).insert(
                ids.flatMap { id in (0..<4).map { segment(id, $0 * 5..<$0 * 5 + 5) } })
            func keysExamined(_ collection: String, _ filter: BSONDocument) async throws -> (stages: String, docs: Int)
            {
                let find: BSONDocument = ["find": .string(collection), "filter": .document(filter)]
                let plan = try await client.runCommand([
                    "explain": .document(find), "verbosity": "executionStats",
                ])
                let found = Self.values(of: ["stage", "totalDocsExamined"], in: .document(plan))
                return (
                    found.compactMap(\.asString).joined(separator: " "), try #require(found.compactMap(\.asInt).first)
                )
            }
            let id = BSONValue.uuid(ids[20].uuid)
            let view = try await keysExamined("emotion_cards", ["request_id": id])
            #expect(view.stages.contains("IXSCAN") && !view.stages.contains("COLLSCAN"))
            #expect(view.docs == 4)
            let low: BSONDocument = ["request_id": id, "first": .int32(4)]
            let high: BSONDocument = ["request_id": id, "first": .maxKey]
            let page = try await keysExamined(
                "emotion_card_segments", ["_id": ["$gt": .document(low), "$lt": .document(high)]])
            #expect(page.stages.contains("IXSCAN") && !page.stages.contains("COLLSCAN"))
            #expect(page.docs == 3)
        }
    }

    private static func values(of keys: Set<String>, in value: BSONValue) -> [BSONValue] {
        let inner = value.asDocument.map { document in
            document.flatMap { key, value in (keys.contains(key) ? [value] : []) + values(of: keys, in: value) }
        }
        return inner ?? value.asArray?.flatMap { values(of: keys, in: $0) } ?? []
    }

    @Test func whatIsNoSegmentIsRefused() async throws {
        try await withMongo { client in
            try await CardCollections(client: client).prepare()
            let id = BSONValue.uuid(RequestID.make().uuid)
            let key: BSONDocument = ["request_id": id, "first": .int32(0)]
            let card: BSONDocument = [
                "review_id": "r", "emotion": "joy", "scores": [:], "polarity": 0.5, "keywords": [], "excerpt": "",
            ]
            func segment(_ key: BSONDocument, _ request: BSONValue, _ cards: BSONValue) -> BSONDocument {
                [
                    "_id": .document(key), "request_id": request, "cards": cards,
                    "created_at": .date(milliseconds: 0),
                ]
            }
            let broken: [BSONDocument] = [
                segment(key, id, []), segment(key, id, "cards"), segment(key, id, [["review_id": "r"]]),
                segment(["request_id": id, "first": .int32(-1)], id, [.document(card)]),
                segment(["request_id": id, "first": "0"], id, [.document(card)]), segment(key, "x", [.document(card)]),
                segment(key, .uuid(UUID()), [.document(card)]), ["_id": .document(key)], ["cards": [.document(card)]],
            ]
            let collection = client.collection("emotion_card_segments")
            for document in broken {
                await #expect(throws: MongoError.self, "\(document)") { try await collection.insertOne(document) }
            }
            try await collection.insertOne(segment(key, id, [.document(card)]))
        }
    }

    /// Somebody may write past the validator. Such documents come as damaged segments, and leave their neighbours alone.
    @Test func damagedDocumentsArePutAside() async throws {
        try await withMongo { client in
            let id = RequestID.make()
            let store = MongoCardStore(client: client)
            _ = try await store.insert([segment(id, 0..<3), segment(id, 9..<12)])
            let damages: [(first: BSONValue, cards: BSONValue)] = [
                (.int32(3), "none"), (.int32(4), []), (.int32(5), [["review_id": 7]]),
                (.int32(6), [["emotion": "boredom"]]), (.int64(1 << 40), []), (.int32(-5), []), ("x", []),
                (.double(.nan), []), (.null, []),
            ]
            for (first, cards) in damages {
                let key: BSONDocument = ["request_id": .uuid(id.uuid), "first": first]
                try await client.collection("emotion_card_segments").insertOne([
                    "_id": .document(key), "request_id": .uuid(id.uuid), "cards": cards,
                ])
            }
            let good = [0, 1, 2, 9, 10, 11]
            #expect(try await store.cards(of: id, after: nil, limit: 100).map(\.ordinal) == good)
            for after in [0, 2, 3, 5, 8, 9, 11, 500] {
                let read = try await store.cards(of: id, after: after, limit: 100).map(\.ordinal)
                #expect(read == good.filter { $0 > after })
            }
            let checkStore = MongoDocumentCheckStore(client: client)
            let segments = try await checkStore.segments(
                after: CardPosition(id: .lowest, ordinal: nil), through: .highest, limit: 100)
            #expect(segments.filter { !$0.isDamaged }.map(\.first) == [0, 9])
            #expect(segments.count(where: \.isDamaged) == damages.count)
            try await store.replace([(stored: .damaged(id, first: 3), by: segment(id, 3..<4))])
            #expect(try await store.cards(of: id, after: 2, limit: 1).map(\.ordinal) == [3])
            try await checkStore.removeCards([(id: id, from: 0)])
            #expect(try await store.counts([id]) == [0])
            #expect(try await client.collection("emotion_card_segments").countDocuments() == 0)
        }
    }

    private func single(_ card: EmotionCard) -> BSONDocument {
        let key: BSONDocument = ["request_id": .uuid(card.requestID.uuid), "ordinal": .int32(Int32(card.ordinal))]
        return [
            "_id": .document(key), "review_id": .string(card.reviewID), "emotion": "joy",
            "scores": ["joy": 0.8123], "polarity": -0.0001, "keywords": ["배송", "fast"], "excerpt": "good",
            "created_at": .date(milliseconds: 5),
        ]
    }

    @Test func cardsOfTheOlderLayoutAreConverted() async throws {
        try await withMongo { client in
            let ids = (0..<3).map { _ in RequestID.make() }.sorted()
            let cards = [0..<20, 0..<9_000, 0..<7].enumerated().flatMap { index, range in
                range.filter { index != 2 || $0 != 3 }.map { card(ids[index], $0) }
            }
            let unreadable: [BSONDocument] = [
                ["_id": "somebody's"], ["_id": ["request_id": .uuid(ids[1].uuid), "ordinal": -1]],
                ["_id": ["request_id": .uuid(ids[2].uuid), "ordinal": 9], "review_id": 5],
            ]
            try await client.collection("emotion_cards").insertMany(BSONBatch(cards.map(single) + unreadable))
                .throwIfAny()

            // Interrupted after the first part, it goes on with the rest.
            let counted = Mutex(0)
            let interrupted = Task {
                try await CardCollections(client: client).prepare { converted, _ in
                    counted.withLock { $0 += converted }
                    withUnsafeCurrentTask { $0?.cancel() }
                }
            }
            await #expect(throws: (any Error).self) { try await interrupted.value }
            #expect((1..<cards.count).contains(counted.withLock { $0 }))
            for _ in 0..<2 {
                try await CardCollections(client: client).prepare { converted, _ in counted.withLock { $0 += converted }
                }
            }
            #expect(counted.withLock { $0 } == cards.count + unreadable.count)

            let store = MongoCardStore(client: client)
            for id in ids {
                let stored = try await store.cards(of: id, after: nil, limit: .max)
                #expect(stored == cards.filter { $0.requestID == id })
            }
            #expect(try await store.segments(of: ids[0], after: nil, limit: 100).map(\.cards.count) == [20])
            #expect(try await client.collection("emotion_cards").countDocuments() == cards.count)
            #expect(try await client.collection("emotion_cards_unreadable").countDocuments() == unreadable.count)
            #expect(try await client.collection("emotion_cards_single").countDocuments() == 0)
        }
    }

    /// `migrate` is run again with each version, by users who may write and not more.
    @Test func whatIsAsItShouldBeNeedsNoRightToChangeIt() async throws {
        let server = try await TestStack.privateMongo()
        let client = try MongoClient(MongoConfiguration(url: server.url), logger: Logger(label: "test"))
        do {
            try await CardCollections(client: client).prepare()
            _ = try await client.runCommand(
                [
                    "configureFailPoint": "failCommand", "mode": "alwaysOn",
                    "data": ["failCommands": ["collMod"], "errorCode": 13],
                ], database: "admin")
            try await CardCollections(client: client).prepare()
            _ = try await client.runCommand(["drop": "emotion_cards"])
            _ = try await client.runCommand(
                ["create": "emotion_cards", "viewOn": "emotion_card_segments", "pipeline": []])
            await #expect(throws: MongoError.self) { try await CardCollections(client: client).prepare() }
        } catch {
            await server.kill()
            throw error
        }
        await client.close()
        await server.kill()
    }
}
