import ClientSupport
import Foundation
import Hummingbird
import QuartetCore
import QuartetHTTP
import ServiceSupport

/// `POST /v1/orders` and `/v1/orders:import`: an order is stored once by its id, whatever way it comes.
struct OrderEndpoints: Sendable {
    private let orders: OrderStore
    private let resource: ResourceEndpoints
    private let storing: Batcher<NewOrder, OrderOutcome>

    /// - Parameter resource: which shows orders.
    init(orders: OrderStore, resource: ResourceEndpoints) {
        self.orders = orders
        self.resource = resource
        storing = Batcher(name: "store_orders") { items in try await orders.store(items).map { .success($0) } }
    }

    func add(to routes: ServiceRouter) {
        routes.routes.post("orders", use: place)
        let importing = ResourceImport(MarketService.incomingOrders) { [orders] rows, _ in
            try await Self.store(rows, orders)
        }
        let hint = routes.onChange
        routes.routes.post("orders:import") { try await importing.run($0, $1, hint) }
    }

    @Sendable private func place(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await context.body(of: request, atMost: 16_384)
        let row = try ResourceRow(json: body.readableBytesView, of: MarketService.incomingOrders)
        let order = try NewOrder(id: row.id ?? UUIDv7.make().uuidString.lowercased(), row)
        let isNew: Bool
        switch try await storing(order) {
        case .stored: isNew = true
        case .present: isNew = false
        case .refused(let refusal): throw refusal.problem
        }
        guard let response = try await resource.response(of: order.id, isNew: isNew) else {
            throw Problem(.serviceUnavailable, "went-away", "order \(order.id) went away", retryAfterSeconds: 1)
        }
        return response
    }

    /// What can be stored of a chunk, whatever its other orders are.
    private static func store(
        _ rows: ArraySlice<ResourceImport.Row>, _ orders: OrderStore
    ) async throws -> (changes: [ResourceChange], refused: [ResourceImport.Refused]) {
        let outcomes = try await orders.store(rows.map { try NewOrder(id: $0.id, $0.row) })
        var (changes, refused): ([ResourceChange], [ResourceImport.Refused]) = ([], [])
        for (row, outcome) in zip(rows, outcomes) {
            switch outcome {
            case .stored(let version):
                changes.append(ResourceChange(resource: "orders", id: row.id, version: version))
            case .present: continue
            case .refused(let refusal): refused.append(ResourceImport.Refused(row, refusal.problem))
            }
        }
        return (changes, refused)
    }
}
