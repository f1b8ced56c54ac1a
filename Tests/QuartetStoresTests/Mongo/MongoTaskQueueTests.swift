import Logging
import Mongo
import QuartetCore
import QuartetStack
import QuartetStores
import QuartetTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct MongoTaskQueueTests {
    @Test(arguments: TaskQueueConformance.behaviours)
    func conforms(_ behaviour: Conformance<TaskQueueSubject>) async throws {
        try await withQueue { queue, tasks in
            // The server's clock can't be moved; what is stored can.
            let subject = TaskQueueSubject(queue: queue) { duration in
                let milliseconds = duration.components.seconds * 1000
                _ = try await tasks.updateMany(
                    [:], [["$set": ["available_at": ["$subtract": ["$available_at", .int64(milliseconds)]]]]])
            }
            try await behaviour.check(subject)
        }
    }

    @Test func aClaimWhoseAnswerWasLostIsGivenByTheNextOne() async throws {
        let server = try await TestStack.privateMongo()
        let url = server.url(database: TestStack.uniqueName("stores"))
        let client = try MongoClient(MongoConfiguration(url: url), logger: Logger(label: "test"))
        // The first find looks for tasks, the second for what was leased.
        func fail(_ mode: BSONValue) async throws {
            try await client.runCommand(
                [
                    "configureFailPoint": "failCommand", "mode": mode,
                    "data": ["failCommands": ["find"], "errorCode": 2],
                ], database: "admin")
        }
        try await expectLostClaimsToBeFound(MongoTaskQueue(client: client)) {
            try await fail(["skip": 1])
        } afterwards: {
            try await fail("off")
        }
        await client.close()
        await server.stop()
    }

    /// What the primary had when the task was inserted may not be what its successor has.
    @Test func aTaskWhosePredecessorComesBackWithAnotherPrimaryIsBegunAfresh() async throws {
        let server = try await TestStack.privateMongo()
        let url = server.url(database: TestStack.uniqueName("stores"))
        let client = try MongoClient(MongoConfiguration(url: url), logger: Logger(label: "test"))
        let (queue, tasks) = (MongoTaskQueue(client: client), client.collection(MongoTaskQueue.collectionName))
        let retried = AnalysisTask(requestID: .make(), productID: try #require(ProductID("p")), generation: 2)
        try await queue.enqueue([retried]) {
            await #expect(throws: Never.self) {
                let id: BSONDocument = ["_id": .uuid(retried.requestID.uuid)]
                _ = try await tasks.updateOne(id, ["$set": ["generation": 1, "state": "dead"]])
                _ = try await client.runCommand(["replSetStepDown": 1, "force": true], database: "admin")
                while try await client.runCommand(["hello": 1], database: "admin")["isWritablePrimary"] != true {}
            }
        }
        let claims = try await queue.claim(limit: 1, worker: "w", leaseDuration: .seconds(60))
        #expect(claims.map(\.task) == [retried])
        await client.close()
        await server.stop()
    }

    @Test func theIndexListsDeadTasksWithoutSorting() async throws {
        try await withMongo { client in
            let queue = MongoTaskQueue(client: client)
            try await queue.prepare()
            // The plan goes by what is there.
            try await queue.enqueue(try (0..<400).map { _ in try makeTask() })
            let claims = try await queue.claim(limit: 2, worker: "w", leaseDuration: .seconds(60))
            _ = try await queue.bury(claims.map { TaskBurial(lease: $0.lease, error: "e") })
            let plan = try await client.runCommand([
                "explain": [
                    "find": "analysis_queue",
                    "filter": ["state": "dead", "_id": ["$gt": .uuid(RequestID.lowest.uuid)]],
                    "sort": ["_id": 1], "limit": 100,
                ], "verbosity": "queryPlanner",
            ])
            let winner = try #require(plan["queryPlanner"]?.asDocument?["winningPlan"]?.asDocument)
            #expect(winner["stage"] == "LIMIT")
            let scan = try #require(winner["inputStage"]?.asDocument?["inputStage"]?.asDocument)
            #expect(scan["stage"] == "IXSCAN")
            #expect(scan["indexName"] == "dead")
        }
    }

    @Test func theIndexServesClaimsWithoutSorting() async throws {
        try await withMongo { client in
            let queue = MongoTaskQueue(client: client)
            try await queue.prepare()
            try await queue.prepare()
            try await queue.enqueue([try makeTask()])
            let plan = try await client.runCommand([
                "explain": [
                    "find": "analysis_queue",
                    "filter": ["state": "live", "$expr": ["$lte": ["$available_at", "$$NOW"]]],
                    "sort": ["available_at": 1, "_id": 1], "limit": 64,
                ], "verbosity": "queryPlanner",
            ])
            let winner = try #require(plan["queryPlanner"]?.asDocument?["winningPlan"]?.asDocument)
            #expect(winner["stage"] == "LIMIT")
            let scan = try #require(winner["inputStage"]?.asDocument?["inputStage"]?.asDocument)
            #expect(scan["stage"] == "IXSCAN")
            #expect(scan["indexName"] == "claim")
        }
    }

    @Test func tasksAreStoredAsDocumented() async throws {
        try await withQueue { queue, tasks in
            let task = try makeTask()
            try await queue.enqueue([task])
            let claim = try #require(
                try await queue.claim(limit: 1, worker: "$worker", leaseDuration: .seconds(60)).first)
            let leased = try #require(try await tasks.findOne())
            #expect(leased["_id"] == .uuid(task.requestID.uuid))
            #expect(leased["lease"]?.asDocument?["token"] == .uuid(claim.lease.token.uuid))
            #expect(leased["lease"]?.asDocument?["worker"] == "$worker")
            let claimedAt = try #require(leased["lease"]?.asDocument?["claimed_at"]?.asMilliseconds)
            #expect(leased["available_at"]?.asMilliseconds == claimedAt + 60_000)

            let release = TaskRelease(
                lease: claim.lease, delay: .zero, refundingAttempt: false, error: "$broken")
            #expect(try await queue.release([release]) == [true])
            let released = try #require(try await tasks.findOne())
            #expect(released["last_error"] == "$broken")
            #expect(released["lease"] == nil)

            let again = try #require(try await queue.claim(limit: 1, worker: "b", leaseDuration: .seconds(60)).first)
            #expect(try await queue.bury([TaskBurial(lease: again.lease, error: "dead now")]) == [true])
            let dead = try #require(try await tasks.findOne())
            #expect(dead["state"] == "dead")
            #expect(dead["last_error"] == "dead now")
            #expect(dead["buried_at"]?.asMilliseconds != nil)

            try await queue.enqueue([
                AnalysisTask(requestID: task.requestID, productID: task.productID, generation: 2)
            ])
            let renewed = try #require(try await tasks.findOne())
            #expect(renewed["state"] == "live")
            #expect(renewed["last_error"] == nil)
            #expect(renewed["buried_at"] == nil)
        }
    }

    /// Two processes with a connection pool each.
    @Test func processesShareTheQueueWithoutSharingTasks() async throws {
        try await withQueue { queue, tasks in
            try await withMongo(database: tasks.database) { other in
                let queues = [queue, MongoTaskQueue(client: other)]
                try await queue.enqueue(try (0..<300).map { _ in try makeTask() })
                let claims = try await withThrowingTaskGroup(of: [Claim].self) { group in
                    for index in 0..<6 {
                        group.addTask {
                            var mine: [Claim] = []
                            for _ in 0..<10 {
                                mine += try await queues[index % 2].claim(
                                    limit: 16, worker: "w\(index)", leaseDuration: .seconds(600))
                            }
                            return mine
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(Set(claims.map(\.task.requestID)).count == claims.count)
                #expect(claims.allSatisfy { $0.attempt == 1 })
            }
        }
    }

    private func withQueue(_ body: (MongoTaskQueue, MongoCollection) async throws -> Void) async throws {
        try await withMongo { client in
            let queue = MongoTaskQueue(client: client)
            try await queue.prepare()
            try await body(queue, client.collection("analysis_queue"))
        }
    }

    private func makeTask() throws -> AnalysisTask {
        AnalysisTask(requestID: .make(), productID: try #require(ProductID("p")), generation: 1)
    }
}

/// Tasks that were leased by a claim that failed are not left to wait for the end of their leases, which would count as the
/// worker's death.
func expectLostClaimsToBeFound(
    _ queue: some TaskQueue, failing: () async throws -> Void, afterwards: () async throws -> Void
) async throws {
    let tasks = try (0..<3).map { _ in
        AnalysisTask(requestID: .make(), productID: try #require(ProductID("p")), generation: 1)
    }
    try await queue.enqueue(tasks)
    try await failing()
    await #expect(throws: (any Error).self) {
        try await queue.claim(limit: 10, worker: "w", leaseDuration: .seconds(60))
    }
    try await afterwards()
    let claims = try await queue.claim(limit: 10, worker: "w", leaseDuration: .seconds(60))
    #expect(Set(claims.map(\.task)) == Set(tasks))
    #expect(claims.allSatisfy { $0.attempt == 1 && $0.lapses == 0 })
    #expect(try await queue.acknowledge(claims.map(\.lease)) == [true, true, true])
    #expect(try await queue.claim(limit: 10, worker: "w", leaseDuration: .seconds(60)).isEmpty)
}
