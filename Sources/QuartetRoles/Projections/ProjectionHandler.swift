import CoreMetrics
package import QuartetCore

/// Keeps a read model by its events: one keyed, versioned upsert a batch.
package struct ProjectionHandler: EventHandler {
    package let wantsNewestOnly = true
    private let projection: any Projection
    private let store: any ReadModelStore

    package var name: String { projection.name }
    package var topics: [EventTopic] { projection.topics }

    package init(_ projection: any Projection, store: any ReadModelStore) {
        self.projection = projection
        self.store = store
    }

    package func change(for event: DomainEvent) throws(EventDecodingError) -> ReadModelRow? {
        projection.events.contains(event.type) ? try projection.row(for: event) : nil
    }

    package func apply(_ rows: [ReadModelRow]) async throws {
        try await store.apply(rows)
        Failpoint.readModelApplied.reached()
    }

    package func failed(_ reason: String) async {
        RoleMetrics.projectionErrors(name).increment()
        await store.note(reason)
    }
}
