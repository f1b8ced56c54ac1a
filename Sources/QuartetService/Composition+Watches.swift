import ClientSupport
import My
import ServiceLifecycle

extension Composition {
    /// What tells watchers of their products.
    func watchNotes() throws -> any Service {
        WatchNotesRole(
            configuration: configuration.watches, notes: try WatchNotes(databases: clients.databases), logger: logger)
    }
}

extension WatchNotesConfiguration {
    mutating func read(from reader: inout SettingsReader) throws {
        pollInterval = try reader.duration(
            "watches.poll_interval", pollInterval, in: .milliseconds(10)...(.seconds(3_600)))
        watchersPerBatchMax = try reader.integer(
            "watches.watchers_per_batch_max", watchersPerBatchMax, in: 1...100_000)
        retention = try reader.duration(
            "watches.notes_retention", retention, in: .seconds(60)...(.seconds(315_360_000)))
    }
}
