/// The bounds of a relay.
package struct RelayConfiguration: Sendable, Hashable {
    /// Rows read and delivered together.
    package var rowsPerBatchMax = 2_000
    /// How long a relay that died keeps its shards.
    package var leaseDuration: Duration = .seconds(10)
    /// How often a relay looks without a notification.
    package var pollInterval: Duration = .seconds(1)
    /// How long work that nobody waits for is put off while nothing new comes, so that it does not compete with what was
    /// just delivered.
    package var lullMax: Duration = .milliseconds(15)
    /// How often the backlog is measured.
    package var reportInterval: Duration = .seconds(5)
    /// A transaction in flight for longer is named in the log.
    package var oldTransactionAge: Duration = .seconds(60)
    /// How long delivered rows are kept for replay.
    package var retention: Duration = .seconds(7 * 24 * 3600)
    package var purgeInterval: Duration = .seconds(60)
    package var purgeRowsMax = 5_000

    package init() {}
}
