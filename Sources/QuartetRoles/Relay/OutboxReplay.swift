package import QuartetCore

/// Hands rows of the outbox off again, whatever a sink has of them: that changes nothing the second time. Cursors stay where
/// they are.
package struct OutboxReplay: Sendable {
    private static let pageSize = 500

    private let outbox: any OutboxStore
    private let delivery: any OutboxDelivery

    package init(outbox: any OutboxStore, delivery: any OutboxDelivery) {
        self.outbox = outbox
        self.delivery = delivery
    }

    /// Replays rows, each shard's in order. Returns how many.
    ///
    /// - Parameter observe: told after each page how many rows were looked at and how many handed off since the last one.
    package func run(
        where isWanted: (DomainEvent) -> Bool,
        observe: (_ seen: Int, _ replayed: Int) -> Void = { _, _ in }
    ) async throws -> Int {
        var replayed = 0
        for shard in 0..<(try await outbox.shardCount()) {
            var last: Int64 = 0
            while true {
                try Task.checkCancellation()
                let rows = try await outbox.rows(of: shard, after: last, limit: Self.pageSize)
                guard let end = rows.last else { break }
                let events = rows.map(\.event).filter { $0.type.sinks.contains(delivery.sink) && isWanted($0) }
                if !events.isEmpty { try await delivery.deliver(events) }
                replayed += events.count
                observe(rows.count, events.count)
                last = end.id
            }
        }
        return replayed
    }
}
