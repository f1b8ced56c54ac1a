import ClientSupport
import Foundation
import Testing

@testable import Mongo

@Suite("Reads")
struct ReadTests {
    @Test func optionsShapeTheResult() async throws {
        let things = try await filled(20)
        let found = try await things.find(
            ["_id": ["$gte": 5]],
            .init(sort: ["_id": -1], projection: ["_id": 1], limit: 3, skip: 1, hint: ["_id": 1]))
        #expect(found == [18, 17, 16].map { ["_id": .int($0)] })
        #expect(try await things.findOne(["_id": 100]) == nil)
        #expect(try await things.countDocuments(["_id": ["$lt": 5]]) == 5)
        #expect(try await things.countDocuments(limit: 4) == 4)
        #expect(try await things.estimatedCount() == 20)
    }

    @Test func aggregates() async throws {
        let things = try await filled(20)
        let sums = try await things.aggregate([
            ["$group": ["_id": ["$mod": ["$_id", 2]], "n": ["$sum": "$_id"]]], ["$sort": ["_id": 1]],
        ])
        #expect(sums.map { $0["n"]?.asInt } == [90, 100])
        var streamed = 0
        for try await _ in things.aggregateStream([["$match": [:]]], options: .init(batchSize: 3)) { streamed += 1 }
        #expect(streamed == 20)
    }

    @Test func aStreamReadsManyDocumentsAndEndsEarly() async throws {
        let client = try await TestServer.shared.server.client { $0.connectionsMax = 1 }
        let things = client.collection("stream_\(UUID().uuidString.prefix(8))", writeConcern: .one)
        var batch = BSONBatch()
        for number in 0..<200_000 { batch.append { $0.append("_id", number) } }
        #expect(try await things.insertMany(batch).inserted == 200_000)

        var next = 0
        for try await document in things.stream([:], .init(sort: ["_id": 1])) {
            #expect(try document.decode("_id", as: Int.self) == next)
            next += 1
        }
        #expect(next == 200_000)

        var taken = 0
        for try await batch in things.stream([:], .init(batchSize: 1000)).batches {
            taken += batch.count
            if taken < 5000 { continue }
            #expect(try await TestServer.shared.idleCursors(on: things) == 1)
            break
        }
        #expect(taken == 5000)
        // The only connection comes back, and with it the cursor is gone.
        #expect(try await things.countDocuments() == 200_000)
        #expect(try await TestServer.shared.idleCursors(on: things) == 0)
        await client.close()
    }

    @Test func aCancelledStreamClosesItsCursor() async throws {
        let client = try await TestServer.shared.server.client { $0.connectionsMax = 1 }
        let things = client.collection(try await filled(20).name)
        let reading = Task {
            var iterator = things.stream([:], .init(batchSize: 5)).batches.makeAsyncIterator()
            #expect(try await iterator.next()?.count == 5)
            #expect(try await TestServer.shared.idleCursors(on: things) == 1)
            withUnsafeCurrentTask { $0?.cancel() }
            return try await iterator.next()
        }
        await #expect(throws: CancellationError.self) { try await reading.value }
        // The only connection comes back, and with it the cursor is gone.
        #expect(try await things.countDocuments() == 20)
        #expect(try await TestServer.shared.idleCursors(on: things) == 0)
        await client.close()
    }

    @Test func aStreamTakesLongerThanACall() async throws {
        let client = try await TestServer.shared.server.client { $0.operationTimeout = .seconds(2) }
        let things = client.collection(try await filled(12).name)
        let slow: BSONDocument = [
            "$expr": [
                "$function": ["body": "function() { sleep(250); return true }", "args": [], "lang": "js"]
            ]
        ]
        var streamed = 0
        for try await _ in things.stream(slow, .init(batchSize: 1)) { streamed += 1 }
        #expect(streamed == 12)
        for try await _ in things.aggregateStream([["$match": .document(slow)]], options: .init(batchSize: 1)) {
            streamed += 1
        }
        #expect(streamed == 24)
        // All at once has one deadline for all.
        let error = await #expect(throws: MongoError.self) { try await things.find(slow, .init(batchSize: 1)) }
        #expect(error?.code == .deadlineExceeded)
        await client.close()
    }

    @Test func aFailedQueryEndsItsStream() async throws {
        let things = try await filled(1)
        var iterator = things.stream(["$nonsense": 1]).makeAsyncIterator()
        await #expect(throws: MongoError.self) { try await iterator.next() }
        #expect(try await iterator.next() == nil)
    }

    @Test func manyCallersShareAFewConnections() async throws {
        let things = try await filled(50)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<500 {
                group.addTask { try await things.findOne(["_id": .int(number % 50)])?.decode("_id") ?? -1 }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 10 * (0..<50).reduce(0, +))
    }

    private func filled(_ count: Int, _ name: String = #function) async throws -> MongoCollection {
        let things = try await TestServer.shared.collection(name)
        try await things.insertMany((0..<count).map { ["_id": .int($0)] }).throwIfAny()
        return things
    }
}
