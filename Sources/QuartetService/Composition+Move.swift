import ClientSupport
import Postgres
import QuartetCore
package import QuartetDatabases
import QuartetMigrations
import ServiceSupport

extension Composition {
    /// Runs `body` with a move from the database at `url`.
    ///
    /// - Throws: `ConfigurationError` for a URL that can't be used; `PostgresStoreError` where the databases are not migrated.
    package func withMove<Value: Sendable>(
        from url: String, _ options: MoveOptions, _ body: (Move) async throws -> Value
    ) async throws -> Value {
        try await Migrator(databases: clients.databases, logger: logger).requireMigrated()
        var configuration: PostgresConfiguration
        do {
            configuration = try PostgresConfiguration(url: url)
        } catch {
            throw ConfigurationError(key: "--from", problem: "\(error)")
        }
        configuration.applicationName = "quartet-move"
        configuration.connectionsMax = 2
        let source = PostgresClient(configuration, logger: logger)
        let references = HouseServices.all.flatMap { $0.references }
        let cures = Dictionary(
            references.map { ("\($0.table).\($0.column)", $0.cure.rawValue) }, uniquingKeysWith: { first, _ in first })
        do {
            let value = try await body(Move(from: source, to: clients.databases, options: options, cures: cures))
            await source.close()
            return value
        } catch {
            await source.close()
            throw error
        }
    }
}
