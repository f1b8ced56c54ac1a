import Foundation
import QuartetCore
import QuartetStack
import SystemTesting
import Testing

/// Whether the databases have what was sent, stores agree, and no service read or wrote another's.
struct DayVerdict: Sendable {
    let day: ShopDay
    let system: QuartetSystem
    let stack: LocalStack
    let roles: [String: String]
    let processes: DayProcesses

    func judge(_ requests: [RequestID]) async throws {
        try await judgeCounts()
        try await judgeAnalyses(requests)
        // Copies that nobody has waited for yet, My's for one, may be on their way for longer than the settle window.
        try? await eventually("stores agree") {
            (try? await system.finish(["check", "--full"], settings: QuartetSystem.quickCheck)) != nil
        }
        try await system.expectConsistency()
        try await judgeRights()
    }

    private func judgeCounts() async throws {
        try await expect(
            "SOURCE",
            """
            supplier_id, count(*), sum((payload->>'price')::bigint) FROM suppliers.supplier_item_raw
            WHERE deleted_at IS NULL GROUP BY supplier_id ORDER BY supplier_id
            """,
            ShopDay.suppliers.map { [$0, "\(day.itemsPerSupplier)", "\(day.prices / ShopDay.suppliers.count)"] })
        try await expect(
            "DROPSHIP", "count(*), sum(price), count(*) FILTER (WHERE supplier_version > 0) FROM catalog.products",
            [["\(day.productCount)", "\(day.prices)", "\(day.productCount)"]])
        try await expect(
            "DROPSHIP", "count(*) FROM catalog.price_history", [["\(day.productCount + day.dearerCount)"]])
        let moved = day.users.dropLast().count { $0.number.isMultiple(of: 4) }
        for (database, table) in [("DROPSHIP", "auth.users"), ("MARKET", "market.market_users_view")] {
            try await expect(
                database, "count(*), count(*) FILTER (WHERE region = '부산') FROM \(table)",
                [["\(day.userCount)", "\(moved)"]])
        }
        let orders = (0..<day.orderCount).map(day.order)
        try await expect(
            "MARKET", "count(*), sum(quantity), sum(amount), count(region), count(supplier_item_id) FROM market.orders",
            [
                [
                    "\(day.orderCount)", "\(orders.reduce(0) { $0 + $1.quantity })",
                    "\(orders.reduce(0) { $0 + $1.quantity * $1.price })", "\(day.orderCount)", "\(day.orderCount)",
                ]
            ])
        try await expect("MARKET", "count(*) FROM market.supplier_orders", [["\(day.orderCount)"]])
        try await expect(
            "MARKET",
            "count(*), count(DISTINCT aggregate_id) FROM market_events.outbox "
                + "WHERE type = 'market.order.created'", [["\(day.orderCount)", "\(day.orderCount)"]])
    }

    private func judgeAnalyses(_ requests: [RequestID]) async throws {
        #expect(requests.count == day.reviewedCount)
        try await expect(
            "DROPSHIP", "status, count(*) FROM analysis.analysis_requests GROUP BY status",
            [["completed", "\(day.reviewedCount)"]])
        for id in requests {
            let reviews = try await processes.call(.get, "/v1/analyses/\(id)").decoded(as: Shop.Analysis.self).result
            #expect(reviews?.reviews == day.reviewsPerProduct)
            #expect(try await system.stores.cards(of: id).count == day.reviewsPerProduct)
        }
    }

    /// A role has rights in its own schema alone, and nobody asked for more.
    private func judgeRights() async throws {
        let names = roles.values.map { "'\($0)'" }.joined(separator: ", ")
        var schemas: [String: Set<String>] = [:]
        for database in ["SOURCE", "DROPSHIP", "MARKET"] {
            let rows = try await system.stores.rows(
                """
                SELECT DISTINCT r.rolname, n.nspname FROM pg_roles r, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE r.rolname IN (\(names)) AND c.relkind IN ('r', 'v') AND n.nspname !~ '^(pg_|information_schema)'
                    AND has_schema_privilege(r.oid, n.oid, 'USAGE')
                    AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
                """, in: database)
            for row in rows { schemas[row[0], default: []].insert(row[1]) }
        }
        for (service, role) in roles {
            #expect(schemas[role] == [service], "\(role) has rights in \(schemas[role] ?? [])")
        }
        let log = stack.directory.appendingPathComponent("log/postgres.log")
        let refusals = try String(contentsOf: log, encoding: .utf8).split(separator: "\n")
            .filter { $0.contains("permission denied") }
        #expect(refusals.isEmpty, "\(refusals.prefix(5))")
        for process in await processes.all {
            #expect(!process.log.contains("permission denied"), "\(process.name)")
        }
    }

    private func expect(_ database: String, _ sql: String, _ rows: [[String]]) async throws {
        #expect(try await system.stores.rows("SELECT \(sql)", in: database) == rows, "\(sql)")
    }
}
