import ClientSupport
import Foundation
import Postgres
import QuartetStack
import QuartetTesting
import Testing

/// A real PgBouncer between the client and the server. `infra/setup` installs it.
@Suite(.enabled(if: PgBouncer.isPresent, "pgbouncer is not installed: infra/setup"))
struct PoolerTests {
    private static let one = PostgresStatement("SELECT 1")

    @Test(arguments: PgBouncer.Mode.allCases)
    func everyWayOfAskingWorksSideBySide(_ mode: PgBouncer.Mode) async throws {
        try await withPooler(mode) { url in
            let clients = try (0..<3).map { _ in try Self.client(url) }
            // One of its own: two that make the same one at once get in each other's way.
            let table = TestStack.uniqueName("pooled")
            try await clients[0].execute(script: "CREATE TABLE \(table) (n int)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, client) in clients.enumerated() {
                    for round in 0..<30 {
                        group.addTask { try await Self.ask(client, table, index * 1000 + round) }
                    }
                }
                try await group.waitForAll()
            }
            for client in clients { await client.close() }
        }
    }

    /// The settings hold for each statement, and nobody else's session is left with them.
    @Test(arguments: PgBouncer.Mode.allCases)
    func settingsHoldAndAreNotLeftBehind(_ mode: PgBouncer.Mode) async throws {
        try await withPooler(mode) { url in
            let shown = PostgresStatement("SELECT current_setting('lock_timeout')")
            let set = try Self.client(url) { $0.lockTimeout = .milliseconds(321) }
            let plain = try Self.client(url)
            func lockTimeout(_ client: PostgresClient) async throws -> String {
                try await client.query(shown).single().decode(0)
            }
            for _ in 0..<10 {
                #expect(try await lockTimeout(set) == "321ms")
                #expect(try await lockTimeout(plain) == "0")
                try await set.transaction { session in
                    let inside: String = try await session.query(shown).single().decode(0)
                    #expect(inside == "321ms")
                }
                let rows = try await set.transaction(statements: [shown])
                #expect(try rows[0].single().decode(0, as: String.self) == "321ms")
            }
            await set.close()
            await plain.close()
        }
    }

    @Test func optionsThatItRefusesAreNoOutage() async throws {
        try await withPooler(.transaction) { url in
            let client = try Self.client(url + "?options=-c%20jit%3Doff")
            let error = try await failure { try await client.query(Self.one) }
            #expect(!error.isUnavailable && !error.isRetriable)
            #expect(error.description.contains("options"))
            await client.close()
        }
    }

    @Test func whatNeedsASessionIsRefusedBySayingWhatToSet() async throws {
        try await withPooler(.transaction) { url in
            let client = try Self.client(url)
            let error = try await failure { try await client.withAdvisoryLock(1) { _ in } }
            #expect(error.code == .configuration && error.description.contains("db.pooling"))
            await client.close()
        }
        try await withPooler(.session) { url in
            let client = try Self.client(url) { $0.pooling = .session }
            #expect(try await client.withAdvisoryLock(1) { _ in 1 } == 1)
            await client.close()
        }
    }

    @Test func notificationsAreHeardThroughASession() async throws {
        try await withPooler(.session) { url in
            let client = try Self.client(url) { $0.pooling = .session }
            var events = client.listen(to: ["bell"]).makeAsyncIterator()
            #expect(await events.next() == .connected)
            _ = try await client.query(PostgresStatement("SELECT pg_notify('bell', '')"))
            #expect(await events.next() == .notification(channel: "bell", payload: ""))
            await client.close()
        }
    }

    /// It is tried again for ever: the URL may lead to the server itself one day.
    @Test func withoutASessionNobodyListens() async throws {
        try await withPooler(.transaction) { url in
            let client = try Self.client(url)
            let (failures, told) = AsyncStream.makeStream(of: Void.self)
            let listening = Task {
                for await _ in client.listen(to: ["bell"], onFailure: { _ in told.yield() }) {
                    Issue.record("nothing can be heard")
                }
            }
            var count = 0
            for await _ in failures {
                count += 1
                if count == 3 { break }
            }
            listening.cancel()
            await listening.value
            await client.close()
        }
    }

    @Test func aCancelledStatementEndsAtTheServer() async throws {
        try await withPooler(.transaction) { url in
            let client = try Self.client(url)
            await #expect(throws: PostgresError.self) {
                try await client.query(
                    PostgresStatement("SELECT pg_sleep(60)"), deadline: .after(.milliseconds(200)))
            }
            #expect(try await client.query(Self.one).count == 1)
            await client.close()
        }
    }

    private static func ask(_ client: PostgresClient, _ table: String, _ number: Int) async throws {
        let echo = PostgresStatement("SELECT $1::int + $2::int", Int32(number), Int32(1))
        #expect(try await client.query(echo).single().decode(0, as: Int.self) == number + 1)
        let insert = PostgresStatement("INSERT INTO \(table) VALUES ($1)", Int32(number))
        try await client.transaction { session in
            _ = try await session.query(insert)
            #expect(try await session.query(echo).single().decode(0, as: Int.self) == number + 1)
        }
        for result in try await client.pipeline([echo, insert, echo], mode: .independent) { _ = try result.get() }
        for result in try await client.pipeline([insert, echo], mode: .atomic) { _ = try result.get() }
        let failed = try await failure { try await client.query(PostgresStatement("SELECT 1/$1::int", Int32(0))) }
        #expect(failed.sqlState == "22012")
        var count = 0
        for try await _ in client.stream(PostgresStatement("SELECT generate_series(1, 50)")) { count += 1 }
        #expect(count == 50)
    }

    private static func client(
        _ url: String, _ change: (inout PostgresConfiguration) -> Void = { _ in }
    ) throws -> PostgresClient {
        var configuration = try PostgresConfiguration(url: url)
        configuration.backoff = Backoff(base: .milliseconds(5), max: .milliseconds(50))
        change(&configuration)
        return PostgresClient(configuration, logger: quiet)
    }

    private func withPooler(_ mode: PgBouncer.Mode, _ body: (String) async throws -> Void) async throws {
        let server = try await TestServer.shared.server
        let folder = try TemporaryFolder.make()
        let pooler = PgBouncer(directory: folder, before: server, mode: mode)
        try await pooler.start()
        do {
            try await body(pooler.url)
        } catch {
            await pooler.kill()
            throw error
        }
        await pooler.kill()
    }
}
