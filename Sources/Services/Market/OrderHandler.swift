package import QuartetCore
import QuartetHTTP
import QuartetRoles

/// Takes in orders that come through the topic `shop.orders`.
///
/// One whose user or product the copies do not know is put aside for a reason that may pass: it is tried again. What is no
/// order, and another one under the id of one that is there, is put aside for good.
package struct OrderHandler: EventHandler {
    package static let name = "orders"
    package static let topics = [EventTopic.shopOrders]

    package var name: String { Self.name }
    package var topics: [EventTopic] { Self.topics }
    package let wantsNewestOnly = false
    private let orders: OrderStore

    package init(orders: OrderStore) {
        self.orders = orders
    }

    package func change(for event: DomainEvent) throws(EventDecodingError) -> NewOrder? {
        guard event.type == .shopOrderPlaced else { return nil }
        do throws(Problem) {
            return try NewOrder(json: event.payload)
        } catch {
            throw EventDecodingError(reason: "no order: \(error.detail)")
        }
    }

    package func apply(_ changes: [NewOrder]) async throws {
        let outcomes = try await orders.store(changes)
        Failpoint.ordersStored.reached()
        let refused = outcomes.enumerated().compactMap { place, outcome in
            if case .refused(let refusal) = outcome { (place, refusal) } else { nil }
        }
        guard !refused.isEmpty else { return }
        throw UnappliedChanges(failures: Dictionary(uniqueKeysWithValues: refused))
    }
}

extension EventType {
    /// What shops publish: an order as JSON. Nothing of ours does.
    package static let shopOrderPlaced = EventType(
        "shop.order.placed", of: AggregateKind(rawValue: "shop_order"), to: .shopOrders, as: "shop.order.placed",
        carrying: PlacedOrder.self, isFromOutside: true)
}

extension EventTopic {
    package static let shopOrders = EventTopic(rawValue: "shop.orders")
}

/// As ``NewOrder`` reads it, whose rules are those of the calls.
package struct PlacedOrder: EventPayload {
    package static let fields = "id, user_id, product_id, quantity, unit_price, currency and ordered_at"
}
