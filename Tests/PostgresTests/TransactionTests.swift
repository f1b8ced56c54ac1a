import ClientSupport
import Postgres
import Testing

@Suite struct TransactionTests {
    private func count(_ client: PostgresClient, _ table: String) async throws -> Int {
        try await client.query(PostgresStatement("SELECT count(*) FROM \(table)")).single().decode(0)
    }

    @Test func aTransactionIsKeptWhenItsBodyReturns() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE kept (n int)")
            let value = try await client.transaction { session in
                _ = try await session.query(PostgresStatement("INSERT INTO kept VALUES (1)"))
                return try await session.query(PostgresStatement("SELECT n FROM kept")).single().decode(0, as: Int.self)
            }
            #expect(value == 1)
            #expect(try await count(client, "kept") == 1)
        }
    }

    @Test func aTransactionIsRolledBackWhenItsBodyThrows() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            try await client.execute(script: "CREATE TABLE thrown (n int)")
            await #expect(throws: Unexpected.self) {
                try await client.transaction { session in
                    _ = try await session.query(PostgresStatement("INSERT INTO thrown VALUES (1)"))
                    throw Unexpected("on purpose")
                }
            }
            #expect(try await count(client, "thrown") == 0)
            // The only connection is as good as before.
            try await client.transaction { _ = try await $0.query(PostgresStatement("INSERT INTO thrown VALUES (2)")) }
            #expect(try await count(client, "thrown") == 1)
        }
    }

    @Test func aSwallowedErrorDoesNotLookCommitted() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE swallowed (n int)")
            let error = try await failure {
                try await client.transaction { session in
                    _ = try await session.query(PostgresStatement("INSERT INTO swallowed VALUES (1)"))
                    _ = try? await session.query(PostgresStatement("SELECT 1 / 0"))
                }
            }
            #expect(error.sqlState == PostgresError.SQLState.failedTransaction)
            #expect(!error.mayHaveHappened)
            #expect(try await count(client, "swallowed") == 0)
        }
    }

    @Test func statementsOfOneRoundTripAreKeptTogether() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE together (n int PRIMARY KEY)")
            let insert = { (n: Int32) in
                PostgresStatement("INSERT INTO together VALUES ($1) RETURNING n", name: "insert \(n)", n)
            }
            let rows = try await client.transaction(statements: [insert(1), insert(2)])
            #expect(try rows.map { try $0.single().decode(0, as: Int.self) } == [1, 2])
            let error = try await failure {
                try await client.transaction(statements: [insert(3), insert(2), insert(4)])
            }
            #expect(error.isUniqueViolation)
            #expect(error.statementName == "insert 2")
            #expect(try await count(client, "together") == 2)
            _ = try await client.transaction(isolation: .serializable, statements: [insert(3)])
            #expect(try await count(client, "together") == 3)
        }
    }

    @Test func aFailureAtCommitOfOneRoundTripIsReported() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            try await client.execute(
                script: "CREATE TABLE late (n int, UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)")
            let insert = PostgresStatement("INSERT INTO late VALUES (1)")
            let error = try await failure { try await client.transaction(statements: [insert, insert]) }
            #expect(error.isUniqueViolation)
            #expect(!error.mayHaveHappened)
            _ = try await client.transaction(statements: [insert])
            #expect(try await count(client, "late") == 1)
        }
    }

    @Test func isolationAndAccessReachTheServer() async throws {
        try await withClient { client in
            let level = try await client.transaction(isolation: .repeatableRead, access: .readOnly) { session in
                try await session.query(PostgresStatement("SHOW transaction_isolation")).single()
                    .decode(0, as: String.self)
            }
            #expect(level == "repeatable read")
            try await client.execute(script: "CREATE TABLE read_only (n int)")
            let error = try await failure {
                try await client.transaction(access: .readOnly) { session in
                    _ = try await session.query(PostgresStatement("INSERT INTO read_only VALUES (1)"))
                }
            }
            #expect(error.sqlState == PostgresError.SQLState.readOnlyTransaction)
        }
    }

    @Test func serializationFailuresAreRetriable() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE contended (n int); INSERT INTO contended VALUES (0)")
            let error = try await failure {
                try await client.transaction(isolation: .repeatableRead) { session in
                    _ = try await session.query(PostgresStatement("SELECT n FROM contended"))
                    _ = try await client.query(PostgresStatement("UPDATE contended SET n = n + 1"))
                    _ = try await session.query(PostgresStatement("UPDATE contended SET n = n + 1"))
                }
            }
            #expect(error.isSerializationFailure && error.isRetriable && !error.isUnavailable)
        }
    }

    @Test func aCancelledTransactionIsRolledBackAndItsConnectionGoesOn() async throws {
        try await withClient(.set(\.connectionsMax, 1)) { client in
            let pid = PostgresStatement("SELECT pg_backend_pid()")
            func process() async throws -> Int32 {
                try await client.withSession { try await $0.query(pid).single().decode(0, as: Int32.self) }
            }
            let before = try await process()
            try await client.execute(script: "CREATE TABLE cancelled (n int)")
            let (inserted, signal) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                try await client.transaction { session in
                    _ = try await session.query(PostgresStatement("INSERT INTO cancelled VALUES (1)"))
                    signal.yield()
                    _ = try await session.query(PostgresStatement("SELECT pg_sleep(60)"))
                }
            }
            for await _ in inserted { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await count(client, "cancelled") == 0)
            #expect(try await process() == before)
        }
    }

    @Test func anAdvisoryLockIsHeldByOneAtATime() async throws {
        try await withClient { client in
            let inner = try await client.withAdvisoryLock(4711) { _ in
                try await client.withAdvisoryLockIfFree(4711) { _ in 1 }
            }
            #expect(inner == nil)
            #expect(try await client.withAdvisoryLockIfFree(4711) { _ in 2 } == 2)
            let waiting = try await client.withAdvisoryLock(4711) { _ in
                try await failure {
                    try await client.withAdvisoryLock(4711, deadline: .after(.milliseconds(50))) { _ in }
                }
            }
            #expect(waiting.code == .deadlineExceeded && !waiting.mayHaveHappened)
            await #expect(throws: Unexpected.self) {
                try await client.withAdvisoryLock(4711) { _ in throw Unexpected("on purpose") }
            }
            #expect(try await client.withAdvisoryLockIfFree(4711) { _ in 3 } == 3)
        }
    }
}
