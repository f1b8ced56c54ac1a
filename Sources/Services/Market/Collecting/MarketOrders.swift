import ClientSupport
import Foundation
import Postgres
import QuartetCore
package import QuartetDatabases
import QuartetHTTP
import ServiceSupport

/// Makes orders of what was ordered at markets, as of those that come by HTTP: each is stored once by its id. One whose user or
/// product is not known yet waits, and what can't be an order says why. The status of one that is stored goes on as its market
/// tells it. Killed anywhere, the next one goes on.
package struct MarketOrders: Sendable {
    private static let rowsPerBatch = 1_000

    private let toTake, note, follow: StoreStatement
    private let orders: OrderStore

    package init(databases: Databases) throws {
        let file = try SQLFile(label: "market_orders.sql", bytes: PackageResources.market_orders_sql)
        let statements = try databases.statements(in: file, of: MarketService.schema)
        (toTake, note) = (try statements.named("to_take"), try statements.named("note_taken"))
        follow = try statements.named("follow_status")
        orders = try OrderStore(databases: databases)
    }

    package struct Report: Sendable, Hashable, Encodable {
        package internal(set) var stored = 0
        /// There already.
        package internal(set) var known = 0
        /// Tried again later.
        package internal(set) var waiting = 0
        package internal(set) var refused = 0
        /// Orders whose status went on.
        package internal(set) var followed = 0

        package init() {}
    }

    /// - Parameter pause: how long one that waits is left alone.
    package func take(pause: Duration = .seconds(60)) async throws -> Report {
        var (report, last) = (Report(), "")
        while true {
            let rows = try await toTake.runAlone(last, Self.rowsPerBatch, Int64(pause.wholeMilliseconds)).map {
                try Row($0)
            }
            guard let end = rows.last?.id else { return report }
            try await take(rows, &report)
            last = end
        }
    }

    private func take(_ rows: [Row], _ report: inout Report) async throws {
        var fates: [String: Fate] = [:]
        var taken: [NewOrder] = []
        for row in rows {
            switch row.order {
            case .success(let order): taken.append(order)
            case .failure(let fate): fates[row.id] = fate
            }
        }
        var kept: Set<String> = []
        for (order, outcome) in zip(taken, try await orders.store(taken)) {
            switch outcome {
            case .stored:
                report.stored += 1
                kept.insert(order.id)
            case .present:
                report.known += 1
                kept.insert(order.id)
            case .refused(let refusal):
                fates[order.id] = Fate(isDone: refusal.isRefusedValue, problem: refusal.description)
            }
        }
        let told = rows.filter { kept.contains($0.id) && $0.status != nil }
        report.followed += try await follow.runAlone(told.map(\.id), told.map(\.status)).count
        report.refused += fates.values.count { $0.isDone }
        report.waiting += fates.values.count { !$0.isDone }
        _ = try await note.runAlone(
            rows.map(\.id), rows.map(\.version), rows.map { fates[$0.id]?.isDone ?? true },
            rows.map { fates[$0.id].map { StoredText.made(storable: $0.problem, bytesMax: 1_024) } })
    }

    /// What becomes of one that is not stored.
    private struct Fate: Error {
        let isDone: Bool
        let problem: String
    }

    /// One as its market tells it.
    private struct Row {
        let id: String
        let version: Int64
        /// As the market calls it.
        let status: String?
        let order: Result<NewOrder, Fate>

        init(_ row: PostgresRow) throws {
            let (id, version, payload, product, status) = try row.decode(
                String.self, Int64.self, String.self, String?.self, String?.self)
            (self.id, self.version, self.status) = (id, version, status)
            do {
                let known = try Self.fields(of: payload, product)
                let values = try ResourceRow(json: known, of: MarketService.incomingOrders)
                order = .success(try NewOrder(id: id, values))
            } catch let problem as Problem {
                order = .failure(Fate(isDone: true, problem: problem.detail))
            } catch let fate as Fate {
                order = .failure(fate)
            }
        }

        /// What an order can have of it, with the listed product unless it names one itself.
        private static func fields(of payload: String, _ product: String?) throws -> Data {
            guard var fields = try JSONSerialization.jsonObject(with: Data(payload.utf8)) as? [String: Any] else {
                throw Fate(isDone: true, problem: "it is no JSON object")
            }
            if fields["product_id"] == nil {
                guard let product else {
                    throw Fate(isDone: false, problem: "its item_id is of no listing, and it has no product_id")
                }
                fields["product_id"] = product
            }
            let names: Set = ["user_id", "product_id", "quantity", "unit_price", "currency", "ordered_at"]
            return try JSONSerialization.data(withJSONObject: fields.filter { names.contains($0.key) })
        }
    }
}
