import Foundation
import Postgres
import QuartetCore
package import QuartetDatabases

/// Orders that might be, for trials.
package struct RandomOrders: Sendable {
    /// Of which the orders are, at most.
    private static let sampleMax = 1_000

    private let users: [String]
    private let products: [String]

    /// Of these users and products; where there are none, of some that the copies know. Nil while they know none.
    package init?(users: [String], products: [String], databases: Databases) async throws {
        let file = try SQLFile(label: "random_orders.sql", bytes: PackageResources.random_orders_sql)
        let statements = try databases.statements(in: file, of: MarketService.schema)
        func sample(_ name: String) async throws -> [String] {
            try await statements.named(name).runAlone(Self.sampleMax).map { try $0.decode(0, as: String.self) }
        }
        self.users = users.isEmpty ? try await sample("random_users") : users
        self.products = products.isEmpty ? try await sample("random_products") : products
        guard !self.users.isEmpty, !self.products.isEmpty else { return nil }
    }

    /// One as JSON, and its id.
    package func make() -> (id: String, json: [UInt8]) {
        let id = UUIDv7.make().uuidString.lowercased()
        let json = JSONWriter.object {
            $0.field("id", id)
            $0.field("user_id", users.randomElement() ?? "")
            $0.field("product_id", products.randomElement() ?? "")
            // Most orders are of one piece.
            $0.field("quantity", Int64(max(1, Int.random(in: -6...5))))
            $0.field("ordered_at", Date.now.ISO8601Format())
        }
        return (id, json)
    }
}
