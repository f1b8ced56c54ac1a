import ClientSupport
import Postgres
import Testing

/// Locks that somebody else holds.
@Suite struct LockTests {
    private let one = PostgresStatement("SELECT 1")

    @Test func aHeldRowIsToldInTimeAndOthersDoNotWaitBehindIt() async throws {
        try await withHeldRow(named: "held_told", lockTimeout: .milliseconds(300)) { client, update in
            let error = try await failure { try await client.query(update) }
            #expect(error.sqlState == PostgresError.SQLState.lockNotAvailable)
            #expect(error.isContended && error.isRetriable && !error.isUnavailable && !error.mayHaveHappened)
        }
    }

    @Test func nothingIsSentBehindAStatementThatIsHeldUp() async throws {
        try await withHeldRow(named: "held_lanes", lockTimeout: .seconds(600)) { client, update in
            try await withThrowingTaskGroup(of: Void.self) { group in
                // One on each of the shared connections: the second is opened since the first is held up.
                for count in 1...2 {
                    group.addTask { _ = try await client.query(update, deadline: .after(.seconds(600))) }
                    // What is sent close behind one waits with it: nothing tells yet that it is held up.
                    try await withClient { watcher in
                        try await eventually {
                            try await watcher.query(waiting(for: "held_lanes")).single().decode(0, as: Int.self)
                                == count
                        }
                    }
                    try await eventually {
                        (try? await client.query(one, deadline: .after(.milliseconds(250)))) != nil
                    }
                }
                for _ in 0..<20 { #expect(try await client.query(one, deadline: .after(.seconds(60))).count == 1) }
                group.cancelAll()
            }
        }
    }

    @Test func whoeverProbesHardlyWaits() async throws {
        try await withHeldRow(named: "held_probed", lockTimeout: .seconds(60)) { client, update in
            let error = try await failure {
                try await Contention.$isProbing.withValue(true) {
                    try await client.query(update, deadline: .after(.seconds(20)))
                }
            }
            #expect(error.sqlState == PostgresError.SQLState.lockNotAvailable)
        }
    }

    @Test func aSettingOfTheURLStays() async throws {
        let url = try await TestServer.shared.url() + "?options=-c%20lock_timeout%3D7s"
        var configuration = try PostgresConfiguration(url: url)
        configuration.lockTimeout = .milliseconds(300)
        configuration.settings = [("jit", "off")]
        let client = PostgresClient(configuration, logger: quiet)
        let shown = PostgresStatement("SELECT current_setting('lock_timeout'), current_setting('jit')")
        let (lock, jit) = try await client.query(shown).single().decode(String.self, String.self)
        #expect(lock == "7s" && jit == "off")
        await client.close()
    }

    /// How many statements wait for a lock on the table's rows.
    private func waiting(for table: String) -> PostgresStatement {
        PostgresStatement(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE \(table) %'")
    }

    /// Runs `body` with a statement that changes a row which another session holds meanwhile.
    private func withHeldRow(
        named table: String, lockTimeout: Duration, _ body: (PostgresClient, PostgresStatement) async throws -> Void
    ) async throws {
        try await withClient { holder in
            try await holder.execute(
                script: "CREATE TABLE \(table) (id int PRIMARY KEY); INSERT INTO \(table) VALUES (1)")
            try await withClient(.set(\.lockTimeout, lockTimeout)) { client in
                try await holder.transaction { session in
                    _ = try await session.query(PostgresStatement("SELECT * FROM \(table) FOR UPDATE"))
                    try await body(client, PostgresStatement("UPDATE \(table) SET id = id"))
                }
            }
        }
    }
}
