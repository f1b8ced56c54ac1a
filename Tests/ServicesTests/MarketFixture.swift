import Foundation
import HTTPTypes
import Market
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetStores

extension House {
    static let buyer = "11111111-2222-7333-8444-555555555555"
    static let stranger = "99999999-2222-7333-8444-555555555555"

    /// A user and two products, one of them a supplier's, in their own services and in the copies.
    func stockTheMarket() async throws {
        _ = try await call(.put, "/v1/users/\(Self.buyer)", #"{"nickname": "n", "name": "이름", "email": "e"}"#)
        _ = try await call(.put, "/v1/categories/cups", #"{"name": "Cups"}"#)
        let cup = """
            {"id": "상품-1", "name": "찻잔", "price": 12000, "category_id": "cups", "supplier_item_id": "s-1"}
            """
        _ = try await call(.post, "/v1/products", cup)
        _ = try await call(.post, "/v1/products", #"{"id": "p-2", "name": "p", "price": 700, "currency": "USD"}"#)
        try await copyAll()
    }

    func copyAll() async throws {
        for projection in [ProductsViewProjection(), MarketUsersViewProjection()] as [any Projection] {
            _ = try await PostgresReadModel(projection, databases: databases).bootstrap(as: "test") { _ in }
        }
    }

    /// What an event makes of a copy.
    func apply(_ projection: some Projection, _ type: EventType, _ id: String, _ payload: String, version: Int64 = 1)
        async throws
    {
        let event = DomainEvent(
            id: "e", type: type, aggregateID: id, version: version, payload: Array(payload.utf8), occurredAt: .now)
        try await PostgresReadModel(projection, databases: databases).apply([projection.row(for: event)])
    }

    /// One number that the market's database tells.
    func marketCount(_ sql: String) async throws -> Int {
        let rendered = try databases.tables.render(sql, label: "test")
        let client = try databases.client(of: MarketService.schema)
        return try await client.query(PostgresStatement(rendered.sql)).single().decode(0, as: Int.self)
    }
}
