package import Foundation
package import QuartetCore
import QuartetDatabases
import QuartetRoles
import QuartetStores

/// Which events of the outboxes are handed off again.
package struct ReplayOptions: Sendable {
    package var since: Date?
    /// The name of a type.
    package var type: String?
    package var aggregateID: String?
    package var sinks: Set<String> = []

    package init() {}
}

package struct ReplayProgress: Sendable {
    package let database: String
    package let sink: String
    package let seen: Int
    package let replayed: Int
}

extension Composition {
    package func deadLetters() throws -> any DeadLetterStore { try clients.deadLetters() }

    /// Hands events off again, from the oldest that the outboxes still have; returns how many, by `database.sink`.
    ///
    /// - Throws: `ConfigurationError` for a type or a sink that there is not.
    package func replay(
        _ options: ReplayOptions, observe: (ReplayProgress) -> Void
    ) async throws -> [(name: String, count: Int)] {
        if let type = options.type, EventType.named(type) == nil {
            let names = EventType.all.map(\.name).joined(separator: ", ")
            throw ConfigurationError(key: "--type", problem: "\(type) is no type of event; there are \(names)")
        }
        let unknown = options.sinks.subtracting(OutboxSink.allCases.map(\.rawValue)).sorted().first
        if let unknown {
            let names = OutboxSink.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConfigurationError(key: "--sink", problem: "\(unknown) is no sink; there are \(names)")
        }
        var counts: [(name: String, count: Int)] = []
        for outbox in ports.outboxes.values.sorted(by: { $0.database < $1.database }) {
            for delivery in try deliveries(from: outbox) {
                let (database, sink) = (outbox.database.rawValue, delivery.sink.rawValue)
                guard options.sinks.isEmpty || options.sinks.contains(sink) else { continue }
                let count = try await OutboxReplay(outbox: outbox, delivery: delivery).run {
                    options.wants($0)
                } observe: {
                    observe(ReplayProgress(database: database, sink: sink, seen: $0, replayed: $1))
                }
                counts.append(("\(database).\(sink)", count))
            }
        }
        return counts
    }
}

extension ReplayOptions {
    fileprivate func wants(_ event: DomainEvent) -> Bool {
        (since.map { event.occurredAt >= $0 } ?? true) && (type.map { event.type.name == $0 } ?? true)
            && (aggregateID.map { event.aggregateID == $0 } ?? true)
    }
}
