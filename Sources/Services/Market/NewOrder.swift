package import Foundation
import HTTPTypes
import QuartetHTTP
import ServiceSupport

/// An order as it comes in, by whatever way. What it leaves out is filled in from the product and the time of its coming.
package struct NewOrder: Sendable, Hashable {
    package let id: String
    package let userID: UUID
    package let productID: String
    package let quantity: Int64
    package let unitPrice: Int64?
    package let currency: String?
    package let orderedAt: Date?

    /// - Parameter row: of the resource ``MarketService/incomingOrders``, and so possible.
    init(id: String, _ row: ResourceRow) throws(Problem) {
        guard let user = row.text("user_id").flatMap(UUID.init(uuidString:)), let product = row.text("product_id")
        else {
            throw Problem(.unprocessableContent, "missing-field", "user_id and product_id are required")
        }
        self.id = id
        userID = user
        productID = product
        quantity = row.integer("quantity") ?? 1
        unitPrice = row.integer("unit_price")
        currency = row.text("currency")
        orderedAt = row.time("ordered_at")
    }

    /// Of JSON that names its id.
    init(json: [UInt8]) throws(Problem) {
        let row = try ResourceRow(json: json, of: MarketService.incomingOrders)
        guard let id = row.id else { throw Problem(.unprocessableContent, "missing-field", "id is missing") }
        try self.init(id: id, row)
    }
}

/// What became of an order that came in.
package enum OrderOutcome: Sendable, Hashable {
    /// With this version.
    case stored(Int64)
    /// It was there already, the same one.
    case present(Int64)
    case refused(OrderRefusal)
}
