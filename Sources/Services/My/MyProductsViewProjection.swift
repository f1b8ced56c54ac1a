import Foundation
package import QuartetCore

/// The products, for those who watch them: what they cost and whether there are any.
package struct MyProductsViewProjection: Projection {
    package let name = "my_products_view"
    package let events: Set<EventType> = [.productCreated, .productUpdated, .productDeleted]
    package let key = (column: "product_id", type: "text")
    package let columns = ["name", "currency", "price", "stock"]
    package let source = """
        SELECT product_id, name, currency, price, stock, version, deleted_at IS NOT NULL AS is_deleted,
            updated_at AS changed_at
        FROM {products}
        """

    package var consequences: [String] { [Leaving.statement(.watchList, ("product_id", "text"), of: name, key: key)] }

    package init() {}

    package func row(for event: DomainEvent) throws(EventDecodingError) -> ReadModelRow {
        guard ShopID.isValid(event.aggregateID) else {
            throw EventDecodingError(reason: "the subject is no product's id")
        }
        guard event.type != .productDeleted else {
            return ReadModelRow(key: event.aggregateID, of: event, isDeleted: true, ["name": ""])
        }
        let product = try event.payload(as: WatchedProduct.self)
        return ReadModelRow(
            key: event.aggregateID, of: event,
            [
                "name": product.name, "currency": product.currency, "price": product.price.map(String.init),
                "stock": product.stock.map(String.init),
            ])
    }
}

/// What an event tells of a product.
private struct WatchedProduct: EventPayload {
    static let fields = "name, currency, price and stock"

    let name: String
    let currency: String?
    let price, stock: Int64?
}
