import Postgres
import QuartetDatabases
import Testing

/// What a database, a role or a server was given for defaults.
@Suite struct SessionDefaultTests {
    @Test func statementsRunAsTheyWereMadeWhateverTheDefaultsAre() async throws {
        try await PostgresTestDatabase.withEmpty { databases in
            let first = try databases.client(of: .dropship)
            let name: String = try await first.query(PostgresStatement("SELECT current_database()::text")).single()
                .decode(0)
            try await first.execute(
                script: """
                    ALTER DATABASE \(name) SET default_transaction_isolation = 'serializable';
                    ALTER DATABASE \(name) SET TimeZone = 'Asia/Kathmandu';
                    """)
            let url = try await PostgresTestServer.url(database: name)
            let client = PostgresClient(try Databases.configuration(url: url), logger: PostgresTestDatabase.logger)
            let shown = PostgresStatement("SELECT current_setting('transaction_isolation'), to_json(now())::text")
            let (isolation, time) = try await client.query(shown).single().decode(String.self, String.self)
            #expect(isolation == "read committed")
            #expect(time.hasSuffix("+00:00\""), "\(time)")
            await client.close()
        }
    }
}
