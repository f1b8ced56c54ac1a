import ClientSupport
import Testing

@testable import Mongo

/// Bulks of several commands, the last of which fails.
@Suite("Writes that are made in part")
struct PartialWriteTests {
    @Test func aBulkThatEndsLateMayHaveHappened() async throws {
        let server = try await TestServer.start()
        let client = try server.client()
        let things = client.collection("things")
        try await refuse("update", by: client)
        let update = MongoWrite.updateOne(filter: ["_id": 1], update: ["$set": ["n": 1]])
        let alone = await #expect(throws: MongoError.self) { try await things.bulkWrite([update]) }
        #expect(alone?.serverCode == 96)
        #expect(alone?.mayHaveHappened == false)
        for ordered in [true, false] {
            try await refuse("update", by: client)
            let error = await #expect(throws: MongoError.self) {
                try await things.bulkWrite([.insert(["_id": .bool(ordered)]), update], ordered: ordered)
            }
            #expect(error?.mayHaveHappened == true)
            #expect(error?.code == alone?.code)
            #expect(error?.serverCode == alone?.serverCode)
            #expect(error?.message == alone?.message)
        }
        #expect(try await things.countDocuments() == 2)

        // A command that changed nothing has nothing to tell.
        try await refuse("update", by: client)
        let unchanged = await #expect(throws: MongoError.self) {
            try await things.bulkWrite([.insert(["_id": true]), update])
        }
        #expect(unchanged?.mayHaveHappened == false)
        await client.close()
        await server.kill()
    }

    @Test func anInsertOfSeveralCommandsThatEndsLateMayHaveHappened() async throws {
        let server = try await TestServer.start()
        let client = try server.client()
        let things = client.collection("things", writeConcern: .one)
        let text = String(repeating: "x", count: 10_000_000)
        try await refuse("insert", after: 1, by: client)
        let error = await #expect(throws: MongoError.self) {
            try await things.insertMany([["_id": 1, "text": .string(text)], ["_id": 2, "text": .string(text)]])
        }
        #expect(error?.serverCode == 96)
        #expect(error?.mayHaveHappened == true)
        try await client.runCommand(["configureFailPoint": "failCommand", "mode": "off"], database: "admin")
        #expect(try await things.countDocuments() == 1)
        await client.close()
        await server.kill()
    }

    @Test func whateverEndedItIsTold() {
        let failures: [(any Error, MongoError.Code)] = [
            (DeadlineExceeded(waitingFor: "a connection"), .deadlineExceeded), (PoolError.closed, .closed),
            (PoolError.exhausted(waitingMax: 1), .exhausted), (CancellationError(), .cancelled),
            (MongoError(.serverSelection, "none"), .serverSelection),
        ]
        for (failure, code) in failures {
            let error = MongoError(ofPartDone: "insert a.b", failure)
            #expect(error.code == code)
            #expect(error.mayHaveHappened)
        }
    }

    /// The server refuses one such command, after it took some.
    private func refuse(_ command: BSONValue, after count: Int = 0, by client: MongoClient) async throws {
        let operationFailed = 96
        try await client.runCommand(
            [
                "configureFailPoint": "failCommand", "mode": count > 0 ? ["skip": .int(count)] : ["times": 1],
                "data": ["failCommands": [command], "errorCode": .int(operationFailed)],
            ], database: "admin")
    }
}
