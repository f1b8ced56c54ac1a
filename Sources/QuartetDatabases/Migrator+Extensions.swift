import Logging
import Postgres

extension Migrator {
    /// Makes what a service has where its database has an extension; says so where it has none.
    func makeExtensionParts(of history: History, _ session: PostgresSession) async throws {
        for part in history.service?.extensions ?? [] {
            let origin: Logger.Metadata = [
                "schema": "\(history.name)", "database": "\(history.database)", "extension": "\(part.name)",
            ]
            guard try await isThere(part, session, origin) else { continue }
            let migration = Migration(version: 0, name: part.name, sql: part.steps)
            let steps = try await session.query(
                PostgresStatement(sql(of: migration, in: history), name: "extension_steps")
            ).map { "\(try $0.decode(0, as: String.self));" }
            guard let long = try LongMigration(([LongMigration.mark] + steps).joined(separator: "\n")) else { continue }
            try await run(long, of: migration, in: history, session)
        }
    }

    private func isThere(
        _ part: ExtensionPart, _ session: PostgresSession, _ origin: Logger.Metadata
    ) async throws -> Bool {
        let look = PostgresStatement(
            """
            SELECT e.extversion, a.default_version FROM pg_available_extensions a
            LEFT JOIN pg_extension e ON e.extname = a.name WHERE a.name = $1
            """, name: "extension", part.name)
        guard let row = try await session.query(look).first else {
            logger.notice("an extension is not installed on the server; what needs it is left out", metadata: origin)
            return false
        }
        let (present, available) = try row.decode(String?.self, String.self)
        guard part.accepts(present ?? available) else {
            logger.warning(
                "an extension is too old; what needs it is left out",
                metadata: origin.merging(["version": "\(present ?? available)"]) { $1 })
            return false
        }
        guard present == nil else { return true }
        do {
            try await session.execute(script: "CREATE EXTENSION IF NOT EXISTS \(part.name)")
            logger.info("extension made", metadata: origin.merging(["version": "\(available)"]) { $1 })
            return true
        } catch let error as PostgresError where error.sqlState == "42501" {
            logger.warning(
                "an extension takes somebody who may make it: CREATE EXTENSION \(part.name), then migrate again",
                metadata: origin)
            return false
        }
    }
}
