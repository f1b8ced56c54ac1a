package import QuartetCore

/// What the market compares products with, for those who look for products like it.
package struct BenchmarksViewProjection: Projection {
    package let name = "benchmarks_view"
    package let progress = "catalog_projections"
    package let events: Set<EventType> = [.benchmarkCreated, .benchmarkUpdated, .benchmarkDeleted]
    package let key = (column: "benchmark_product_id", type: "text")
    package let columns = ["marketplace", "name", "brand", "category"]
    package let source = """
        SELECT benchmark_product_id, marketplace, name, brand, category, version, deleted_at IS NOT NULL AS is_deleted,
            updated_at AS changed_at
        FROM {benchmark_products}
        """

    package init() {}

    package func row(for event: DomainEvent) throws(EventDecodingError) -> ReadModelRow {
        guard ShopID.isValid(event.aggregateID) else {
            throw EventDecodingError(reason: "the subject is no benchmark product's id")
        }
        guard event.type != .benchmarkDeleted else {
            return ReadModelRow(key: event.aggregateID, of: event, isDeleted: true, ["name": ""])
        }
        let benchmark = try event.payload(as: BenchmarkPayload.self)
        return ReadModelRow(
            key: event.aggregateID, of: event,
            [
                "marketplace": benchmark.marketplace, "name": benchmark.name, "brand": benchmark.brand,
                "category": benchmark.category,
            ])
    }
}
