import ClientSupport
import Foundation
import Testing

@testable import Mongo

@Suite("Writes")
struct WriteTests {
    @Test func insertsManyAndFindsThemAgain() async throws {
        let cards = try await TestServer.shared.collection()
        var batch = BSONBatch()
        for ordinal in 0..<2000 {
            batch.append { writer in
                writer.append("_id", ordinal)
                writer.append("text", "card \(ordinal)")
            }
        }
        let result = try await cards.insertMany(batch)
        #expect(result.inserted == 2000)
        #expect(result.errors.isEmpty)
        let found = try await cards.find(["_id": ["$in": .array(Array(0..<1500))]], .init(sort: ["_id": 1]))
        let ids = try found.map { try $0.decode("_id", as: Int.self) }
        #expect(ids == Array(0..<1500))
        #expect(found[7]["text"] == "card 7")
    }

    @Test func tellsWhichDocumentsWereThereAlready() async throws {
        let cards = try await TestServer.shared.collection()
        try await cards.insertOne(["_id": 2])
        let batch = BSONBatch((0..<5).map { ["_id": .int($0)] })
        let result = try await cards.insertMany(batch)
        #expect(result.inserted == 4)
        #expect(result.errors.map(\.index) == [2])
        #expect(result.errors.filter(\.isDuplicateKey).count == 1)
        try result.throwUnlessDuplicates()
        #expect(throws: MongoError.self) { try result.throwIfAny() }
    }

    @Test func anOrderedInsertEndsAtTheFirstError() async throws {
        let cards = try await TestServer.shared.collection()
        let result = try await cards.insertMany([["_id": 1], ["_id": 1], ["_id": 2]], ordered: true)
        #expect(result.inserted == 1)
        #expect(result.errors.map(\.index) == [1])
        #expect(try await cards.countDocuments() == 1)
    }

    @Test func anErrorOfOneInsertIsThrownAndSaysNothingOfTheData() async throws {
        let cards = try await TestServer.shared.collection()
        try await cards.insertOne(["_id": "secret"])
        let error = await #expect(throws: MongoError.self) { try await cards.insertOne(["_id": "secret"]) }
        #expect(error?.isDuplicateKey == true)
        #expect(error?.mayHaveHappened == false)
        #expect(error.map { "\($0)" }?.contains("secret") == false)
    }

    @Test func aBulkTooLargeForOneCommandIsSplit() async throws {
        let cards = try await TestServer.shared.collection()
        let text = String(repeating: "x", count: 100_000)
        var batch = BSONBatch()
        for number in 0..<400 {
            batch.append { writer in
                writer.append("_id", number % 399)
                writer.append("text", text)
            }
        }
        let result = try await cards.insertMany(batch)
        #expect(result.inserted == 399)
        #expect(result.errors.map(\.index) == [399])
        let all = try await cards.find([:], .init(projection: ["_id": 1]))
        #expect(all.count == 399)
        #expect(try await cards.find().map(\.byteCount).reduce(0, +) > 39_900_000)
    }

    @Test func aMajorityWriteIsConfirmed() async throws {
        var cards = try await TestServer.shared.collection()
        cards.writeConcern = .majority
        #expect(try await cards.insertMany([["_id": 1]]).inserted == 1)
        cards.readConcern = .majority
        #expect(try await cards.findOne(["_id": 1]) != nil)
    }

    @Test func anUnreachableWriteConcernMayHaveHappened() async throws {
        var cards = try await TestServer.shared.collection()
        cards.writeConcern = .nodes(3)
        let error = await #expect(throws: MongoError.self) { try await cards.insertOne(["_id": 1]) }
        #expect(error?.code == .writeConcern)
        #expect(error?.mayHaveHappened == true)
        #expect(try await cards.countDocuments() == 1)
    }

    @Test func aPipelineUpdateUsesTheServersTime() async throws {
        let tasks = try await TestServer.shared.collection()
        try await tasks.insertOne(["_id": 1, "attempts": 0])
        let result = try await tasks.updateMany(
            ["_id": ["$in": .array([1, 2])]],
            [["$set": ["at": "$$NOW", "until": ["$add": ["$$NOW", 30_000]], "attempts": ["$add": ["$attempts", 1]]]]])
        #expect(result == MongoUpdateResult(matched: 1, modified: 1, upsertedID: nil))
        let task = try #require(try await tasks.findOne(["_id": 1]))
        let (at, until) = (try #require(task["at"]?.asMilliseconds), try #require(task["until"]?.asMilliseconds))
        #expect(until - at == 30_000)
        #expect(abs(Date(bsonMilliseconds: at).timeIntervalSinceNow) < 60)
        #expect(task["attempts"] == 1)
    }

    @Test func updatesReplacesAndDeletes() async throws {
        let things = try await TestServer.shared.collection()
        let upsert = try await things.updateOne(["_id": "a"], ["$set": ["n": 1]], upsert: true)
        #expect(upsert == MongoUpdateResult(matched: 0, modified: 0, upsertedID: "a"))
        #expect(try await things.replaceOne(["_id": "a"], ["n": 5]).modified == 1)
        #expect(try await things.findOne(["n": 5]) == ["_id": "a", "n": 5])
        #expect(try await things.deleteOne(["n": 6]) == 0)
        #expect(try await things.insertMany([["n": 7], ["n": 7]]).inserted == 2)
        #expect(try await things.deleteMany(["n": 7]) == 2)
        #expect(try await things.deleteOne(["n": 5]) == 1)
    }

    @Test func aRefusedUpdateIsThrown() async throws {
        let things = try await TestServer.shared.collection()
        try await things.insertOne(["_id": 1, "text": "secret"])
        let error = await #expect(throws: MongoError.self) {
            try await things.updateOne(["_id": 1], ["$inc": ["text": 1]])
        }
        #expect(error?.serverCode == 14)
        #expect(error?.isRetriable == false)
        #expect(error.map { "\($0)" }?.contains("secret") == false)
    }

    @Test(arguments: [true, false])
    func aMixedBulkReportsByIndex(ordered: Bool) async throws {
        let things = try await TestServer.shared.collection()
        try await things.insertMany([["_id": 1, "n": 1], ["_id": 2, "n": 1], ["_id": 3, "n": 1], ["_id": 9]])
            .throwIfAny()
        let result = try await things.bulkWrite(
            [
                .insert(["_id": 4]),
                .updateMany(filter: ["n": 1], update: ["$set": ["n": 2]]),
                .updateOne(filter: ["_id": 50], update: [["$set": ["n": 9]]], upsert: true),
                .deleteOne(filter: ["_id": 4]),
                .replaceOne(filter: ["_id": 60], replacement: ["n": 1], upsert: true),
                .deleteMany(filter: ["n": 2]),
                .insert(["_id": 9]),
            ], ordered: ordered)
        #expect(result.inserted == 1)
        #expect((result.matched, result.modified, result.deleted) == (3, 3, 4))
        #expect(result.upserted.map(\.index) == [2, 4])
        #expect(result.upserted.map(\.id) == [50, 60])
        #expect(result.errors.map(\.index) == [6])
        #expect(result.errors.map(\.isDuplicateKey) == [true])
    }

    @Test func findsAndModifiesOne() async throws {
        let tasks = try await TestServer.shared.collection()
        try await tasks.insertMany([["_id": 1, "rank": 2], ["_id": 2, "rank": 1]]).throwIfAny()
        let before = try await tasks.findOneAndUpdate([:], ["$set": ["taken": true]], .init(sort: ["rank": 1]))
        #expect(before == ["_id": 2, "rank": 1])
        let after = try await tasks.findOneAndUpdate(["_id": 1], ["$inc": ["rank": 5]], .init(returnsNew: true))
        #expect(after == ["_id": 1, "rank": 7])
        #expect(try await tasks.findOneAndUpdate(["_id": 9], ["$set": ["x": 1]]) == nil)
        #expect(try await tasks.findOneAndDelete(["_id": 1])?["rank"] == 7)
        #expect(try await tasks.countDocuments() == 1)
    }

    @Test func makesIndexesOnce() async throws {
        let things = try await TestServer.shared.collection()
        let indexes = [
            MongoIndex(["a": 1, "b": -1], isUnique: true), MongoIndex(["at": 1], expireAfter: .seconds(3600)),
            MongoIndex(["c": 1], name: "partial", partialFilter: ["c": ["$gt": 5]]),
        ]
        try await things.createIndexes(indexes)
        try await things.createIndexes(indexes)
        let names = try await things.listIndexes().compactMap { $0["name"]?.asString }
        #expect(names == ["_id_", "a_1_b_-1", "at_1", "partial"])
        #expect(
            try await things.insertMany([["a": 1, "b": 1], ["a": 1, "b": 1]]).errors.map(\.isDuplicateKey) == [true])
        try await things.drop()
        try await things.drop()
        #expect(try await things.listIndexes().isEmpty)
    }

    @Test func encodedValuesAreStored() async throws {
        struct Review: Codable, Equatable {
            let id: UUID
            let text: String
            let rating: Int?
        }
        let reviews = try await TestServer.shared.collection()
        let review = Review(id: UUID(), text: "good", rating: nil)
        var batch = BSONBatch()
        try batch.append(encoding: review)
        try await reviews.insertMany(batch).throwIfAny()
        let found = try #require(try await reviews.findOne(["id": .uuid(review.id)]))
        #expect(try BSONDecoder().decode(Review.self, from: found) == review)
    }
}
