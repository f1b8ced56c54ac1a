import ClientSupport
import Postgres
package import QuartetDatabases

/// How watchers are told what became of their products.
package struct WatchNotesConfiguration: Sendable, Hashable {
    /// How often the role looks what they are to be told.
    package var pollInterval: Duration = .seconds(1)
    /// Watchers of a product that are told together.
    package var watchersPerBatchMax = 1_000
    package var retention: Duration = .seconds(90 * 86_400)

    package init() {}
}

/// What watchers are told of their products, in PostgreSQL.
package struct WatchNotes: Sendable {
    /// Products whose watchers are told together.
    private static let changesPerBatch = 16
    package static let notesPerPurge = 5_000

    private let tellWatchers, purgeNotes: StoreStatement

    package init(databases: Databases) throws {
        let statements = try Self.statements(databases)
        tellWatchers = try statements.named("tell")
        purgeNotes = try statements.named("purge_notes")
    }

    static func statements(_ databases: Databases) throws -> StatementSet {
        let file = try SQLFile(label: "watch_notes.sql", bytes: PackageResources.watch_notes_sql)
        return try databases.statements(in: file, of: MyService.schema)
    }

    /// The text of a statement, for projections that it follows from.
    static func text(of name: String) -> [String] {
        let file = try? SQLFile(label: "watch_notes.sql", bytes: PackageResources.watch_notes_sql)
        return file?.statements[name].map { [$0] } ?? []
    }

    /// Tells some watchers of the oldest changes; what is told and how far that is are one transaction.
    ///
    /// - Returns: how many changes and watchers it looked at, and how many notes it made. No changes: all are told.
    package func tell(watchersPerBatch: Int) async throws -> (changes: Int, watchers: Int, notes: Int) {
        try await tellWatchers.runAlone(watchersPerBatch, Self.changesPerBatch).single()
            .decode(Int.self, Int.self, Int.self)
    }

    /// Removes some notes that are older than that; returns how many.
    package func purge(olderThan age: Duration) async throws -> Int {
        try await purgeNotes.runAlone(Int64(age.wholeMilliseconds), Self.notesPerPurge).affected
    }
}
