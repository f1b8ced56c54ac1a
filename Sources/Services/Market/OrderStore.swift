import Foundation
import Postgres
package import QuartetDatabases

/// Orders in PostgreSQL, each stored once by its id.
package struct OrderStore: Sendable {
    /// So many are worth a plan of their own.
    private static let largeCount = 1_000

    private let store, compare: StoreStatement

    package init(databases: Databases) throws {
        let file = try SQLFile(label: "orders.sql", bytes: PackageResources.orders_sql)
        let statements = try databases.statements(in: file, of: MarketService.schema)
        store = try statements.named("store_orders")
        compare = try statements.named("compare_orders")
    }

    /// Stores what can be stored, in one statement. The same order again changes nothing.
    ///
    /// - Returns: what became of each, in their order.
    package func store(_ orders: [NewOrder]) async throws -> [OrderOutcome] {
        var outcomes: [NewOrder: OrderOutcome] = [:]
        var waiting = orders
        // Another one under the same id waits for the next round, which finds the first one stored.
        while !waiting.isEmpty {
            var round: [String: NewOrder] = [:]
            for order in waiting where round[order.id] == nil { round[order.id] = order }
            let sorted = round.values.sorted { $0.id < $1.id }
            for (order, outcome) in zip(sorted, try await storeOnce(sorted)) { outcomes[order] = outcome }
            waiting = waiting.filter { round[$0.id] != $0 }
        }
        // Of one that comes several times the first is stored, and there for the others.
        var seen: Set<NewOrder> = []
        return orders.compactMap { order in
            guard !seen.insert(order).inserted, case .stored(let version)? = outcomes[order] else {
                return outcomes[order]
            }
            return .present(version)
        }
    }

    /// Of orders whose ids differ.
    private func storeOnce(_ orders: [NewOrder]) async throws -> [OrderOutcome] {
        var outcomes: [String: OrderOutcome] = [:]
        var lacking: [String: OrderRefusal.Reason] = [:]
        for row in try await run(store, orders) {
            let (id, version, hasUser, hasProduct, hasPrice) = try row.decode(
                String.self, Int64?.self, Bool.self, Bool.self, Bool.self)
            if let version {
                outcomes[id] = .stored(version)
            } else if let reason = Self.lack(hasUser, hasProduct, hasPrice) {
                lacking[id] = reason
            }
        }
        // One that is there stays there, though its user or its product has gone since.
        let left = orders.filter { outcomes[$0.id] == nil }
        var present: [String: (version: Int64, fields: String)] = [:]
        if !left.isEmpty {
            for row in try await run(compare, left) {
                let (id, version, fields) = try row.decode(String.self, Int64.self, String.self)
                present[id] = (version, fields)
            }
        }
        return try orders.map { order in
            if let stored = outcomes[order.id] { return stored }
            if let (version, fields) = present[order.id] {
                guard !fields.isEmpty else { return .present(version) }
                return .refused(OrderRefusal(order: order, reason: .otherUnderItsID(fields: fields)))
            }
            guard let reason = lacking[order.id] else {
                throw PostgresStoreError(.contention, "order \(order.id) went away while it was stored")
            }
            return .refused(OrderRefusal(order: order, reason: reason))
        }
    }

    private static func lack(_ user: Bool, _ product: Bool, _ price: Bool) -> OrderRefusal.Reason? {
        if !user { return .unknownUser }
        if !product { return .unknownProduct }
        return price ? nil : .noPrice
    }

    private func run(_ statement: StoreStatement, _ orders: [NewOrder]) async throws -> PostgresRows {
        try await statement.runAlone(
            isLarge: orders.count >= Self.largeCount, orders.map(\.id), orders.map(\.userID), orders.map(\.productID),
            orders.map(\.quantity),
            orders.map(\.unitPrice), orders.map(\.currency), orders.map(\.orderedAt))
    }
}
