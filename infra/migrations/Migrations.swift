package import Logging
package import QuartetDatabases

/// The migrations of the analysis pipeline and of what every database has.
package enum Migrations {
    /// The outbox of each database.
    package static let outbox = [
        Migration(
            1, "outbox", PackageResources._001_outbox_sql, formers: [("source", 2), ("dropship", 4), ("market", 2)]),
        Migration(
            2, "waiting", PackageResources._002_waiting_sql, formers: [("source", 3), ("dropship", 6), ("market", 4)]),
        Migration(3, "definer", PackageResources._003_definer_sql),
        Migration(4, "emit", PackageResources._004_emit_sql),
        Migration(5, "bell", PackageResources._005_bell_sql),
    ]
}

extension Table {
    package static let analysisRequests = Table("analysis_requests")
    package static let analysisResults = Table("analysis_results")
}

extension ServiceSchema {
    package static let analysis = ServiceSchema(
        "analysis", in: .dropship, tables: [.analysisRequests, .analysisResults],
        migrations: [
            Migration(1, "analysis", PackageResources._001_analysis_sql, formers: [("dropship", 4)]),
            Migration(2, "results", PackageResources._002_results_sql),
        ],
        hasOwnPool: false)

    package static let consistency = ServiceSchema(
        "consistency", in: .dropship, tables: [Table("consistency_sweeps"), Table("consistency_findings")],
        migrations: [Migration(1, "consistency", PackageResources._001_consistency_sql, formers: [("dropship", 2)])],
        hasOwnPool: false)

    package static let deadLetters = ServiceSchema(
        "dead_letters", in: .dropship, schema: "events", tables: [Table("dead_letters")],
        migrations: [Migration(1, "dead_letters", PackageResources._001_dead_letters_sql, formers: [("dropship", 4)])],
        hasOwnPool: false)

    /// What is no room of the house: the analysis pipeline and what it leans on.
    package static let pipeline = [analysis, consistency, deadLetters]
}

extension Migrator {
    package init(
        databases: Databases, roles: [String: String] = [:], logger: Logger,
        observe: @escaping @Sendable (MigrationProgress) -> Void = { _ in }
    ) {
        self.init(databases: databases, outbox: Migrations.outbox, roles: roles, logger: logger, observe: observe)
    }
}
