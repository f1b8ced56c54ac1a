import ClientSupport
import Foundation
import Logging
import Testing

@testable import Mongo

@Suite("Outages")
struct OutageTests {
    @Test func aRefusedConnectionIsToldSoonAndInOneLine() async throws {
        // Nothing of any system listens there.
        let port = 1
        var configuration = try MongoConfiguration(url: "mongodb://user:hunter2@127.0.0.1:\(port)/?replicaSet=rs0")
        configuration.serverSelectionTimeout = .seconds(1)
        let client = try MongoClient(configuration, logger: Logger(label: "mongo.tests"))
        let started = ContinuousClock.now
        let error = await #expect(throws: MongoError.self) { try await client.ping() }
        #expect(started.duration(to: .now) < .seconds(50))
        #expect(error?.code == .serverSelection)
        #expect(error?.isUnavailable == true)
        #expect(error?.mayHaveHappened == false)
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("127.0.0.1:\(port)"))
        #expect(!text.contains("\n") && !text.contains("hunter2"))
        await client.close()
    }

    @Test func callsGoOnAfterTheServerIsKilledAndBack() async throws {
        let server = try await TestServer.start()
        let client = try server.client {
            $0.serverSelectionTimeout = .seconds(1)
            $0.backoff = Backoff(base: .milliseconds(20), max: .milliseconds(100))
        }
        let things = client.collection("things")
        try await things.insertOne(["_id": 1])
        await server.kill()
        let error = await #expect(throws: MongoError.self) { try await things.insertOne(["_id": 2]) }
        #expect(error?.isUnavailable == true)
        #expect(error?.isRetriable == true)
        try await server.launch()
        try await client.waitUntilAvailable(deadline: .after(.seconds(60)))
        try await things.insertMany([["_id": 2]]).throwUnlessDuplicates()
        #expect(try await things.countDocuments() == 2)
        await client.close()
        await server.kill()
    }

    /// Also where it was sent again, to a server that was not there any more.
    @Test(arguments: [false, true]) func aWriteThatTheServerDiedUnderMayHaveHappened(isRepeated: Bool) async throws {
        let server = try await TestServer.start()
        let client = try server.client { $0.serverSelectionTimeout = .seconds(1) }
        let things = client.collection("things")
        try await things.insertOne(["_id": 1])
        let write = Task {
            isRepeated
                ? try await things.updateOne(InterruptionTests.endless, ["$set": ["n": 1]])
                : try await things.updateMany(InterruptionTests.endless, ["$set": ["n": 1]])
        }
        let deadline = Deadline.after(.seconds(20))
        while try await client.runCommand(["currentOp": 1, "ns": "quartet.things"], database: "admin")
            .decode("inprog", as: BSONArray.self).isEmpty
        {
            try #require(!deadline.isPast, "the update never began")
        }
        await server.kill()
        let error = await #expect(throws: MongoError.self) { try await write.value }
        #expect(error?.mayHaveHappened == true)
        #expect(error?.isRetriable == true)
        await client.close()
    }

    @Test func aRepeatedWriteCountsOnce() async throws {
        let server = try await TestServer.shared.server
        let client = try await TestServer.shared.client
        let things = try await TestServer.shared.collection()
        try await things.insertOne(["_id": 1, "n": 0])
        var batch = WriteBatch(.update, on: things, ordered: true)
        MongoWrite.update(["_id": 1], ["$inc": ["n": 1]], multi: false, upsert: false)
            .withUnsafeBytes { batch.append($0, index: 0) }
        let request = batch.request()
        var handle = try ClientHandle(from: ClientPool(MongoConfiguration(url: server.url)))
        _ = handle.sessionID()
        let number = handle.makeWriteNumber()
        #expect(number != nil)
        for _ in 0..<3 {
            let reply = try handle.run(
                request.command, database: request.database, operation: "update", maxTimeMilliseconds: 0,
                writeNumber: number
            ).get()
            #expect(reply["nModified"] == 1)
        }
        #expect(try await client.collection(things.name).findOne(["_id": 1])?["n"] == 1)
    }

    @Test func aCallIsRepeatedAfterALostConnection() async throws {
        let server = try await TestServer.start()
        let client = try server.client { $0.serverSelectionTimeout = .seconds(20) }
        let things = client.collection("things", writeConcern: .one)
        try await things.insertOne(["_id": 1, "n": 0])
        func lose(_ command: BSONValue) async throws {
            try await client.runCommand(
                [
                    "configureFailPoint": "failCommand", "mode": ["times": 1],
                    "data": ["failCommands": [command], "closeConnection": true],
                ], database: "admin")
        }
        try await lose("find")
        #expect(try await things.findOne(["_id": 1]) != nil)
        try await lose("update")
        #expect(try await things.updateOne(["_id": 1], ["$inc": ["n": 1]]).modified == 1)
        try await lose("update")
        let error = await #expect(throws: MongoError.self) { try await things.updateMany([:], ["$inc": ["n": 1]]) }
        #expect(error?.code == .connectionLost)
        #expect(error?.mayHaveHappened == true)
        #expect(try await things.findOne(["_id": 1])?["n"] == 1)
        await client.close()
        await server.kill()
    }

    /// As a router does that lost its shard, or a primary that steps down.
    @Test func aWriteThatTheServerBrokeOffMayHaveHappenedAndAReadNever() async throws {
        let server = try await TestServer.start()
        let client = try server.client()
        let things = client.collection("things", writeConcern: .one)
        try await things.insertOne(["_id": 1, "n": 0])
        func fail(_ command: BSONValue, _ failure: (String, BSONValue)) async throws {
            let data = BSONDocument([("failCommands", .array([command])), failure])
            try await client.runCommand(
                [
                    "configureFailPoint": "failCommand", "mode": ["times": .int(MongoRequest.attemptsMax)],
                    "data": .document(data),
                ], database: "admin")
        }
        for code in [6, 89, 189, 202, 262, 9001, 11602] {
            try await fail("update", ("errorCode", .int(code)))
            let error = await #expect(throws: MongoError.self) { try await things.updateMany([:], ["$inc": ["n": 1]]) }
            #expect(error?.serverCode == code)
            #expect(error?.mayHaveHappened == true)
        }
        try await fail("find", ("closeConnection", true))
        let lost = await #expect(throws: MongoError.self) { try await things.findOne() }
        #expect(lost?.code == .connectionLost)
        #expect(lost?.mayHaveHappened == false)
        try await client.runCommand(["configureFailPoint": "failCommand", "mode": "off"], database: "admin")
        #expect(try await things.findOne()?["n"] == 0)
        await client.close()
        await server.kill()
    }

    @Test func aMemberBeforeItsInitiationTakesCommands() async throws {
        // The fixture itself initiates its replica set this way; what is left to show is the error of one that repeats it.
        let server = try await TestServer.shared.server
        let configuration = try MongoConfiguration(url: "mongodb://127.0.0.1:\(server.port)/?directConnection=true")
        let client = try MongoClient(configuration, logger: Logger(label: "mongo.tests"))
        let error = await #expect(throws: MongoError.self) {
            try await client.runCommand(["replSetInitiate": [:]], database: "admin")
        }
        #expect(error?.codeName == "AlreadyInitialized")
        await client.close()
    }

    @Test func aClosedClientRefuses() async throws {
        let client = try await TestServer.shared.server.client()
        try await client.ping()
        await client.close()
        await #expect(throws: PoolError.closed) { try await client.ping() }
    }
}
