import Foundation
package import QuartetCore

/// The products, for those who read them where orders are.
package struct ProductsViewProjection: Projection {
    package let name = "products_view"
    package let progress = "market_projections"
    package let events: Set<EventType> = [.productCreated, .productUpdated, .productDeleted]
    package let key = (column: "product_id", type: "text")
    package let columns = [
        "name", "supplier_item_id", "category_id", "brand", "currency", "price", "list_price", "discount_rate", "stock",
    ]
    package let source = """
        SELECT product_id, name, supplier_item_id, category_id, brand, currency, price, list_price, discount_rate, stock,
            version, deleted_at IS NOT NULL AS is_deleted, updated_at AS changed_at
        FROM {products}
        """

    package init() {}

    package func row(for event: DomainEvent) throws(EventDecodingError) -> ReadModelRow {
        guard ShopID.isValid(event.aggregateID) else {
            throw EventDecodingError(reason: "the subject is no product's id")
        }
        guard event.type != .productDeleted else {
            return ReadModelRow(key: event.aggregateID, of: event, isDeleted: true, ["name": ""])
        }
        let product = try event.payload(as: ViewedProduct.self)
        return ReadModelRow(
            key: event.aggregateID, of: event,
            [
                "name": product.name, "supplier_item_id": product.supplierItemID, "category_id": product.categoryID,
                "brand": product.brand, "currency": product.currency, "price": product.price.map(String.init),
                "list_price": product.listPrice.map(String.init),
                "discount_rate": product.discountRate.map(String.init), "stock": product.stock.map(String.init),
            ])
    }
}

/// What an event tells of a product.
private struct ViewedProduct: EventPayload {
    static let fields =
        "name, supplier_item_id, category_id, brand, currency, price, list_price, discount_rate and stock"

    let name: String
    let supplierItemID, categoryID, brand, currency: String?
    let price, listPrice, stock: Int64?
    let discountRate: Int32?

    enum CodingKeys: String, CodingKey {
        case name, brand, currency, price, stock
        case supplierItemID = "supplier_item_id"
        case categoryID = "category_id"
        case listPrice = "list_price"
        case discountRate = "discount_rate"
    }
}
