import ClientSupport
import Foundation
import Logging
import Testing

@testable import Mongo

@Suite("Authentication")
struct AuthenticationTests {
    @Test func aUserGetsInAndAStrangerIsTold() async throws {
        let server = try await TestServer.start(user: "ann:pass")
        let ann = try client(server, "ann:pass@")
        let things = ann.collection("things")
        try await things.insertOne(["_id": 1])
        #expect(try await things.countDocuments() == 1)
        // Interrupting needs no right beyond one's own sessions.
        let query = Task { try await things.find(InterruptionTests.endless) }
        let deadline = Deadline.after(.seconds(20))
        while try await ann.runCommand(["currentOp": 1, "ns": "quartet.things"], database: "admin")
            .decode("inprog", as: BSONArray.self).isEmpty
        {
            try #require(!deadline.isPast, "the query never began")
        }
        query.cancel()
        await #expect(throws: CancellationError.self) { try await query.value }

        let wrong = try client(server, "ann:hunter2@")
        let error = await #expect(throws: MongoError.self) { try await wrong.ping() }
        #expect(error?.code == .authentication)
        #expect(error?.isRetriable == false)
        #expect(error.map { "\($0)" }?.contains("hunter2") == false)

        let nobody = try client(server, "")
        let refusal = await #expect(throws: MongoError.self) {
            try await nobody.collection("things").countDocuments()
        }
        #expect(refusal?.serverCode == MongoServerCode.unauthorized)
        for client in [ann, wrong, nobody] { await client.close() }
        await server.kill()
    }

    private func client(_ server: TestServer, _ user: String) throws -> MongoClient {
        let url =
            "mongodb://\(user)127.0.0.1:\(server.port)/quartet?replicaSet=rs0"
            + (user.isEmpty ? "" : "&authSource=admin")
        return try MongoClient(MongoConfiguration(url: url), logger: Logger(label: "mongo.tests"))
    }
}
