import ClientSupport
import Postgres
import Testing

@Suite struct CancellationTests {
    private let sleep = PostgresStatement("SELECT pg_sleep(60)", name: "sleep")

    @Test func aCancelledStatementEndsAtOnceAndItsConnectionGoesOn() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            try await client.withSession { session in
                let process = PostgresStatement("SELECT pg_backend_pid()")
                let before = try await session.query(process).single().decode(0, as: Int.self)
                let marked = PostgresStatement("SELECT pg_sleep(60) AS cancelled_alone")
                let task = Task { try await session.query(marked) }
                try await running(client, marked.sql)
                let started = ContinuousClock.now
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                #expect(started.duration(to: .now) < .seconds(10))
                #expect(try await session.query(process).single().decode(0, as: Int.self) == before)
            }
        }
    }

    @Test func aTaskCancelledBeforehandSendsNothing() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE beforehand (n int)")
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                _ = try await client.query(PostgresStatement("INSERT INTO beforehand VALUES (1)"))
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            let count = try await client.query(PostgresStatement("SELECT count(*) FROM beforehand"))
            #expect(try count.single().decode(0, as: Int.self) == 0)
        }
    }

    @Test func aDeadlineEndsAStatement() async throws {
        try await withClient { client in
            _ = try await client.query(PostgresStatement("SELECT 1"))
            let error = try await failure { try await client.query(sleep, deadline: .after(.milliseconds(100))) }
            #expect(error.code == .deadlineExceeded)
            #expect(error.isRetriable && !error.mayHaveHappened, "the server said that it was cancelled")
            #expect(error.statementName == "sleep")
            #expect(try await client.query(PostgresStatement("SELECT 1")).count == 1)
        }
    }

    @Test func theDefaultDeadlineHolds() async throws {
        try await withClient(.set(\.statementTimeout, .milliseconds(100))) { client in
            let error = try await client.withSession(deadline: .after(.seconds(60))) { session in
                try await failure { try await session.query(sleep) }
            }
            #expect(error.code == .deadlineExceeded)
        }
    }

    /// One caller's cancellation must not hit what others have on the same connection.
    @Test func neighboursOfACancelledStatementAreAnswered() async throws {
        try await withClient(.set(\.sharedConnectionsMax, 1), .set(\.cancellationGrace, .seconds(30))) { client in
            _ = try await client.query(PostgresStatement("SELECT 1"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        if index % 10 == 0 {
                            let error = try await failure {
                                try await client.query(sleep, deadline: .after(.milliseconds(30 + index)))
                            }
                            #expect(error.code == .deadlineExceeded)
                        } else {
                            let rows = try await client.query(
                                PostgresStatement("SELECT $1, pg_sleep(0.001)", index), deadline: .after(.seconds(60)))
                            #expect(try rows.single().decode(0, as: Int.self) == index)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    /// It has left for the server, although what came after it has not.
    @Test(.timeLimit(.minutes(5))) func aStatementBeforeOneThatFillsTheSocketIsCancelled() async throws {
        try await withClient(.set(\.sharedConnectionsMax, 1), .set(\.cancellationGrace, .seconds(30))) { client in
            try await withClient { holder in
                _ = try await client.query(PostgresStatement("SELECT 1"))
                try await holder.withAdvisoryLock(4713) { session in
                    let lock = PostgresStatement("SELECT pg_advisory_lock(4713) AS blocked")
                    let text = String(repeating: "x", count: 8 << 20)
                    let blocked = Task { try await client.query(lock) }
                    let large = Task { try await client.query(PostgresStatement("SELECT length($1)", text)) }
                    try await running(holder, lock.sql)
                    blocked.cancel()
                    await #expect(throws: CancellationError.self) { try await blocked.value }
                    #expect(try await large.value.single().decode(0, as: Int.self) == text.utf8.count)
                }
            }
        }
    }

    @Test func aCallerBehindALongStatementIsAnsweredByItsDeadline() async throws {
        try await withClient(.set(\.sharedConnectionsMax, 1), .set(\.cancellationGrace, .milliseconds(200))) { client in
            let long = PostgresStatement("SELECT pg_sleep(60) AS long_one")
            try await withClient { observer in
                let first = Task { try await client.query(long, deadline: .after(.seconds(60))) }
                try await running(observer, long.sql)
                // On a busy machine a deadline may pass before the statement is sent.
                try await eventually {
                    let error = try await failure {
                        try await client.query(PostgresStatement("SELECT 1"), deadline: .after(.milliseconds(100)))
                    }
                    #expect(error.code == .deadlineExceeded)
                    return error.mayHaveHappened
                }
                first.cancel()
                _ = await first.result
                try await eventually { (try? await client.query(PostgresStatement("SELECT 1"))) != nil }
            }
        }
    }

    @Test func aFullConnectionRefuses() async throws {
        try await withClient(.set(\.sharedConnectionsMax, 1), .set(\.waitingMax, 3)) { client in
            let long = PostgresStatement("SELECT pg_sleep(60) AS occupying")
            try await withClient { observer in
                let tasks = (0..<3).map { _ in Task { try await client.query(long) } }
                try await running(observer, long.sql)
                var refusal: PostgresError?
                try await eventually {
                    do {
                        _ = try await client.query(PostgresStatement("SELECT 1"), deadline: .after(.milliseconds(20)))
                    } catch let error as PostgresError where error.code == .overloaded {
                        refusal = error
                    } catch is PostgresError {}
                    return refusal != nil
                }
                #expect(refusal?.isUnavailable == true && refusal?.mayHaveHappened == false)
                for task in tasks { task.cancel() }
                for task in tasks { _ = await task.result }
            }
        }
    }
}
