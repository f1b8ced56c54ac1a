import ClientSupport
import Foundation
import Testing

@testable import Mongo

@Suite("Deadlines and cancellation")
struct InterruptionTests {
    /// A query that keeps the server busy for much longer than any test waits.
    static let endless: BSONDocument = ["$where": "sleep(100000) || true"]

    @Test func theServerMindsADeadline() async throws {
        let client = try await TestServer.shared.server.client()
        let things = client.collection(try await oneDocument().name)
        try await client.ping()
        let started = ContinuousClock.now
        let error = await #expect(throws: MongoError.self) {
            try await things.find(Self.endless, deadline: .after(.milliseconds(300)))
        }
        #expect(error?.code == .deadlineExceeded)
        #expect(error?.isRetriable == true)
        #expect(started.duration(to: .now) < .seconds(20))
        #expect(try await things.countDocuments() == 1)
        await client.close()
    }

    @Test func aDeadlineThatIsPastSendsNothing() async throws {
        let things = try await oneDocument()
        await #expect {
            try await things.insertOne(["_id": 7], deadline: .after(.zero))
        } throws: { error in
            guard let error = error as? any StoreFailure else { return false }
            return error.isRetriable && !error.mayHaveHappened
        }
        #expect(try await things.countDocuments() == 1)
    }

    @Test func cancellationEndsTheQueryOnTheServer() async throws {
        let client = try await TestServer.shared.server.client { $0.connectionsMax = 1 }
        let things = client.collection("cancel_\(UUID().uuidString.prefix(8))", writeConcern: .one)
        try await things.insertOne(["_id": 1])
        let query = Task { try await things.find(Self.endless) }
        try await waitUntilRunning(in: things)
        let cancelled = ContinuousClock.now
        query.cancel()
        await #expect(throws: CancellationError.self) { try await query.value }
        #expect(cancelled.duration(to: .now) < .seconds(20))
        // The only connection is free for the next call, which is not the one that is ended.
        for _ in 0..<20 { #expect(try await things.countDocuments() == 1) }
        #expect(try await running(in: things) == 0)
        await client.close()
    }

    @Test func aCancelledWriteMayHaveHappened() async throws {
        let things = try await oneDocument()
        let write = Task {
            try await things.updateMany(Self.endless, ["$set": ["n": 1]])
        }
        try await waitUntilRunning(in: things)
        write.cancel()
        let error = await #expect(throws: MongoError.self) { try await write.value }
        #expect(error?.code == .cancelled)
        #expect(error?.mayHaveHappened == true)
    }

    @Test func aCallerThatIsCancelledAlreadySendsNothing() async throws {
        let things = try await oneDocument()
        let write = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await things.insertOne(["_id": 2])
        }
        await #expect(throws: CancellationError.self) { try await write.value }
        #expect(try await things.countDocuments() == 1)
    }

    @Test func aWaitForAConnectionIsBounded() async throws {
        let client = try await TestServer.shared.server.client { $0.connectionsMax = 1 }
        let things = client.collection("bounded_\(UUID().uuidString.prefix(8))", writeConcern: .one)
        try await things.insertMany((0..<300).map { ["_id": .int($0)] }).throwIfAny()
        var holder = things.stream([:], .init(batchSize: 10)).makeAsyncIterator()
        #expect(try await holder.next() != nil)
        await #expect(throws: DeadlineExceeded.self) {
            try await things.countDocuments(deadline: .after(.milliseconds(100)))
        }
        while try await holder.next() != nil {}
        #expect(try await things.countDocuments() == 300)
        await client.close()
    }

    @Test func aServerThatDoesNotAnswerIsLeftBehind() async throws {
        let server = try await TestServer.start()
        let client = try server.client {
            $0.cancellationGrace = .milliseconds(300)
            $0.serverSelectionTimeout = .seconds(20)
        }
        let things = client.collection("hung", writeConcern: .one)
        try await things.insertOne(["_id": 1])
        await server.suspend()
        let late = await #expect(throws: MongoError.self) {
            try await things.insertOne(["_id": 2], deadline: .after(.milliseconds(200)))
        }
        #expect(late?.code == .deadlineExceeded)
        #expect(late?.mayHaveHappened == true)
        let waiting = Task { try await things.countDocuments() }
        try await Task { try await things.countDocuments(deadline: .after(.milliseconds(200))) }.result.expectFailure()
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        await server.resume()
        try await client.waitUntilAvailable(deadline: .after(.seconds(30)))
        #expect(try await things.countDocuments() >= 1)
        await client.close()
        await server.kill()
    }

    /// The caller's deadline counts, however long the server may take to let go of a call; the connection is used again once
    /// the late answer has come, and the cursor that it tells of is gone.
    @Test func aFrozenServerHoldsNobodyBeyondTheDeadline() async throws {
        let server = try await TestServer.start()
        let client = try server.client {
            $0.cancellationGrace = .seconds(50)
            $0.serverSelectionTimeout = .seconds(20)
            $0.connectionsMax = 1
        }
        let things = client.collection("frozen", writeConcern: .one)
        try await things.insertMany([["_id": 1], ["_id": 2], ["_id": 3]]).throwIfAny()
        await server.suspend()
        let started = ContinuousClock.now
        let error = await #expect(throws: MongoError.self) {
            try await things.find([:], .init(batchSize: 1), deadline: .after(.milliseconds(300)))
        }
        #expect(started.duration(to: .now) < .seconds(10))
        #expect(error?.code == .deadlineExceeded)
        #expect(error?.mayHaveHappened == false)
        // No connection is free for it, so it was not sent.
        await #expect(throws: DeadlineExceeded.self) {
            try await things.insertOne(["_id": 4], deadline: .after(.milliseconds(300)))
        }
        await server.resume()
        #expect(try await things.countDocuments() == 3)
        #expect(try await client.idleCursors(on: things) == 0)
        await server.suspend()
        let write = await #expect(throws: MongoError.self) {
            try await things.insertOne(["_id": 4], deadline: .after(.milliseconds(300)))
        }
        #expect(write?.code == .deadlineExceeded)
        #expect(write?.mayHaveHappened == true)
        #expect(started.duration(to: .now) < .seconds(30))
        await server.resume()
        await client.close()
        await server.kill()
    }

    private func oneDocument(_ name: String = #function) async throws -> MongoCollection {
        let things = try await TestServer.shared.collection(name)
        try await things.insertOne(["_id": 1])
        return things
    }

    /// How many operations the server runs on a collection.
    private func running(in things: MongoCollection) async throws -> Int {
        let reply = try await TestServer.shared.client.runCommand(
            ["currentOp": 1, "ns": .string("\(things.database).\(things.name)")], database: "admin")
        return try reply.decode("inprog", as: BSONArray.self).count { _ in true }
    }

    private func waitUntilRunning(in things: MongoCollection) async throws {
        let deadline = Deadline.after(.seconds(20))
        while try await running(in: things) == 0 {
            try #require(!deadline.isPast, "the operation never began")
        }
    }
}

extension Result {
    func expectFailure(sourceLocation: SourceLocation = #_sourceLocation) throws {
        if case .success = self { Issue.record("a failure was expected", sourceLocation: sourceLocation) }
    }
}
