import Foundation
import HTTPTypes
import Hummingbird
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetHTTP
import ServiceSupport

/// `GET /v1/products/{id}/prices`: what a product cost since when, the newest first.
struct PriceHistory: Sendable {
    private let pricesBefore: StoreStatement

    init(databases: Databases) throws {
        let file = try SQLFile(label: "price_history.sql", bytes: PackageResources.price_history_sql)
        pricesBefore = try databases.statements(in: file, of: CatalogService.schema).named("prices_before")
    }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("products/{id}/prices") { request, context in
            let id = try context.resourceID()
            let limit = try request.queryInteger("limit", in: 1...1_000, fallback: 100) ?? 100
            let before = try request.queryInteger("before", in: 1...Int.max, fallback: Int.max) ?? Int.max
            let rows = try await pricesBefore.run(id, before, limit).map {
                try $0.decode(Int64.self, [UInt8].self)
            }
            return Response(
                json: JSONWriter.object { json in
                    json.key("prices")
                    json.array { json in for row in rows { json.raw(row.1) } }
                    if rows.count == limit, let last = rows.last { json.field("next", last.0) }
                })
        }
    }
}
