package import QuartetCore
package import QuartetRoles

/// One database's outbox, as a checker reads and mends it.
package struct CheckedOutbox: Sendable {
    let database: String
    let checks: any OutboxCheckStore
    let outbox: any OutboxStore
    /// How stuck rows are delivered; none where nothing is mended.
    let deliveries: [any OutboxDelivery]

    package init(
        database: String, checks: any OutboxCheckStore, outbox: any OutboxStore, deliveries: [any OutboxDelivery]
    ) {
        self.database = database
        self.checks = checks
        self.outbox = outbox
        self.deliveries = deliveries
    }
}
