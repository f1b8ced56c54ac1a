import ClientSupport
import Foundation
import Testing

@testable import Mongo

@Suite("Change streams")
struct ChangeStreamTests {
    @Test func changesArriveInOrderAndResume() async throws {
        let things = try await TestServer.shared.collection()
        var first = things.watch().makeAsyncIterator()
        try await first.open()
        try await things.insertMany([["_id": 1], ["_id": 2]], ordered: true).throwIfAny()
        _ = try await things.updateOne(["_id": 1], ["$set": ["n": 1]])
        _ = try await things.deleteOne(["_id": 2])

        var changes: [MongoChange] = []
        for _ in 0..<4 { changes.append(try #require(try await first.next())) }
        #expect(changes.map(\.operation) == ["insert", "insert", "update", "delete"])
        #expect(changes.map { $0.documentKey?["_id"]?.asInt } == [1, 2, 1, 2])
        #expect(changes[0].fullDocument == ["_id": 1])

        var second = things.watch(resumeAfter: changes[1].resumeToken, fullDocument: .updateLookup).makeAsyncIterator()
        let resumed = try #require(try await second.next())
        #expect(resumed.operation == "update")
        #expect(resumed.fullDocument == ["_id": 1, "n": 1])
    }

    @Test func aPipelineFiltersAndADropEndsIt() async throws {
        let things = try await TestServer.shared.collection()
        try await things.insertOne(["_id": 0])
        var changes = things.watch([["$match": ["operationType": ["$ne": "insert"]]]]).makeAsyncIterator()
        try await changes.open()
        try await things.insertOne(["_id": 1])
        try await things.drop()
        #expect(try await changes.next()?.operation == "drop")
        #expect(try await changes.next()?.operation == "invalidate")
        #expect(try await changes.next() == nil)
    }

    /// What happens while nobody reads, before the server goes and after it is back, is not missed.
    @Test(.timeLimit(.minutes(3))) func aStreamOutlivesItsServer() async throws {
        let server = try await TestServer.start()
        let client = try server.client {
            $0.serverSelectionTimeout = .seconds(1)
            $0.backoff = Backoff(base: .milliseconds(20), max: .milliseconds(200))
        }
        let things = client.collection("things")
        var changes = things.watch().makeAsyncIterator()
        try await changes.open()
        try await things.insertOne(["_id": 0])
        #expect(try await changes.next()?.documentKey == ["_id": 0])
        try await things.insertMany((1...5).map { ["_id": .int($0)] }, ordered: true).throwIfAny()
        await server.kill()
        try await server.launch()
        try await client.waitUntilAvailable(deadline: .after(.seconds(60)))
        try await things.insertMany((6...10).map { ["_id": .int($0)] }, ordered: true).throwUnlessDuplicates()
        for id in 1...10 { #expect(try await changes.next()?.documentKey == ["_id": .int(id)]) }
        await client.close()
        await server.kill()
    }

    @Test func cancellationEndsAStreamThatWaits() async throws {
        let things = try await TestServer.shared.collection()
        let (opened, signal) = AsyncStream.makeStream(of: Void.self)
        let watching = Task {
            var changes = things.watch().makeAsyncIterator()
            try await changes.open()
            signal.yield()
            return try await changes.next()
        }
        for await _ in opened { break }
        watching.cancel()
        await #expect(throws: CancellationError.self) { try await watching.value }
    }

    @Test func thereIsALimitToStreams() async throws {
        let client = try await TestServer.shared.server.client { $0.changeStreamsMax = 1 }
        let things = client.collection("limited_\(UUID().uuidString.prefix(8))")
        try await things.insertOne(["_id": 1])
        do {
            var first = things.watch().makeAsyncIterator()
            try await first.open()
            var second = things.watch().makeAsyncIterator()
            let error = await #expect(throws: MongoError.self) { try await second.open() }
            #expect(error?.code == .exhausted)
        }
        await client.close()
    }
}
