extension AggregateKind {
    package static let benchmark = AggregateKind(rawValue: "benchmark")
}

extension EventTopic {
    package static let benchmark = EventTopic(rawValue: "benchmark.events")
}

/// What products are compared with, as the market collects it.
extension EventType {
    package static let benchmarkCreated = benchmark("created", carrying: BenchmarkPayload.self)
    package static let benchmarkUpdated = benchmark("updated", carrying: BenchmarkPayload.self)
    package static let benchmarkDeleted = benchmark("deleted", carrying: DeletionPayload.self)

    private static func benchmark(_ verb: String, carrying payload: any EventPayload.Type) -> EventType {
        EventType(
            "market.benchmark.\(verb)", of: .benchmark, to: .benchmark, as: "market.benchmark.\(verb)",
            carrying: payload)
    }
}

/// Of a benchmark product; its id is the aggregate's. The event has its other fields too.
package struct BenchmarkPayload: EventPayload {
    package static let fields = "marketplace, name, brand and category"

    package let name: String
    package let marketplace, brand, category: String?
}
