import Postgres
import QuartetDatabases
import Testing

@testable import QuartetStores

@Suite("Statement plans")
struct StatementPlanTests {
    private static let files: [(label: String, bytes: [UInt8])] = [
        ("analysis_requests.sql", PackageResources.analysis_requests_sql),
        ("outbox.sql", PackageResources.outbox_sql),
        ("check.sql", PackageResources.check_sql),
        ("sweeps.sql", PackageResources.sweeps_sql),
    ]

    @Test("no statement reads a table from end to end, or compiles its plan", arguments: files.map(\.label))
    func byKey(label: String) async throws {
        let bytes = try #require(Self.files.first { $0.label == label }).bytes
        let file = try SQLFile(label: label, text: String(decoding: bytes, as: UTF8.self))
        try await PostgresTestDatabase.withMigrated { databases in
            #expect(!file.statements.isEmpty)
            for (name, text) in file.statements {
                let sql = try databases.tables.render(text, label: name, in: .dropship).sql
                let plan = try await databases.client(of: .dropship).withSession { session in
                    try await session.execute(script: "SET plan_cache_mode = force_generic_plan")
                    try await session.execute(script: "PREPARE \(name) AS \(sql)")
                    let nulls = Array(repeating: "NULL", count: parameterCount(of: sql)).joined(separator: ", ")
                    let arguments = nulls.isEmpty ? "" : "(\(nulls))"
                    let rows = try await session.query(PostgresStatement("EXPLAIN EXECUTE \(name)\(arguments)"))
                    return try rows.map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
                }
                #expect(!plan.contains("Seq Scan") && !plan.contains("Bitmap"), "\(name)\n\(plan)")
                #expect(!plan.contains("JIT"), "\(name)")
            }
        }
    }

    private func parameterCount(of sql: String) -> Int {
        sql.split(separator: "$").dropFirst().compactMap { Int($0.prefix { $0.isNumber }) }.max() ?? 0
    }

    @Test(
        "a client's sessions plan for keys, unless its URL says otherwise",
        arguments: [
            ("?connect_timeout=5", "off"), ("", "off"), ("?options=-c%20jit%3Don", "off"),
            ("?options=-c%20enable_seqscan%3Don", "on"),
        ])
    func configuration(suffix: String, seqScan: String) async throws {
        let url = try await PostgresTestServer.url(database: "postgres") + suffix
        let client = PostgresClient(try Databases.configuration(url: url), logger: PostgresTestDatabase.logger)
        let row = try await client.query(PostgresStatement("SELECT current_setting('enable_seqscan')")).single()
        #expect(try row.decode(0, as: String.self) == seqScan)
        await client.close()
    }
}
