import Postgres
import QuartetCore
import QuartetDatabases
import QuartetRoles
import ServiceSupport

/// Makes products of what suppliers have, and keeps them as their suppliers say.
struct SupplierItems: EventHandler {
    static let subscription = Subscription("supplier_items", topics: [.supplier])

    let name = subscription.name
    let topics = subscription.topics
    let wantsNewestOnly = true
    private let applyItems, sellOut: StoreStatement

    init(databases: Databases) throws {
        let file = try SQLFile(label: "supplier_items.sql", bytes: PackageResources.supplier_items_sql)
        let statements = try databases.statements(in: file, of: CatalogService.schema)
        applyItems = try statements.named("apply_items")
        sellOut = try statements.named("sell_out")
    }

    /// An item at a version of it; nil for one that is gone.
    struct Change: Sendable {
        let key: String
        let version: Int64
        let item: SupplierItem?
    }

    func change(for event: DomainEvent) throws(EventDecodingError) -> Change? {
        switch event.type {
        case .supplierItemChanged:
            let payload = try event.payload(as: SupplierItemPayload.self)
            return Change(
                key: event.aggregateID, version: event.version,
                item: try SupplierItem(payload, key: event.aggregateID))
        case .supplierItemRemoved: return Change(key: event.aggregateID, version: event.version, item: nil)
        default: return nil
        }
    }

    func apply(_ changes: [Change]) async throws {
        // What nothing is left of goes first: an item may have another's product.
        let gone = changes.filter { $0.item == nil }
        if !gone.isEmpty { _ = try await sellOut.runAlone(gone.map(\.key), gone.map(\.version)) }
        let items = changes.compactMap { change in change.item.map { (change.key, change.version, $0) } }
        guard !items.isEmpty else { return }
        _ = try await applyItems.runAlone(
            items.map(\.0), items.map(\.1), items.map(\.2.name), items.map(\.2.brand), items.map(\.2.categoryKey),
            items.map(\.2.currency), items.map(\.2.price), items.map(\.2.listPrice), items.map(\.2.stock))
    }
}

/// What can be used of an item.
struct SupplierItem: Sendable {
    let name: String
    let brand: String?
    /// Of the category that the shop keeps for it, if it does.
    let categoryKey: String?
    let currency: String?
    let price: Int64
    let listPrice: Int64?
    let stock: Int64?

    /// - Throws: `EventDecodingError` that names the item and the field.
    init(_ payload: SupplierItemPayload, key: String) throws(EventDecodingError) {
        let fields = Fields(key: key, values: payload.item)
        name = try fields.required("name", fields.text("name", bytesMax: 512))
        brand = try fields.text("brand", bytesMax: 256)
        currency = try fields.text("currency", bytesMax: 3)
        if let currency, currency.utf8.count != 3 || !currency.utf8.allSatisfy({ (65...90).contains($0) }) {
            throw fields.refusal("currency", "is not three letters like KRW")
        }
        price = try fields.required("price", fields.amount("price"))
        listPrice = try fields.amount("list_price")
        stock = try fields.amount("stock")
        categoryKey = try fields.mark("category_id").map { OriginKey.make(payload.supplierID, $0) }
    }
}

private struct Fields {
    let key: String
    let values: [String: SupplierItemPayload.Value]

    func text(_ name: String, bytesMax: Int) throws(EventDecodingError) -> String? {
        switch values[name] {
        case nil, .null: return nil
        case .text(let text) where (1...bytesMax).contains(text.utf8.count): return text
        default: throw refusal(name, "is not text of 1 to \(bytesMax) bytes")
        }
    }

    func amount(_ name: String) throws(EventDecodingError) -> Int64? {
        switch values[name] {
        case nil, .null: return nil
        case .integer(let number) where number >= 0: return number
        default: throw refusal(name, "is not a whole number from 0")
        }
    }

    /// An id, which some write as a number.
    func mark(_ name: String) throws(EventDecodingError) -> String? {
        if case .integer(let number)? = values[name] { return String(number) }
        return try text(name, bytesMax: 512)
    }

    func required<Value>(_ name: String, _ value: Value?) throws(EventDecodingError) -> Value {
        guard let value else { throw refusal(name, "is missing") }
        return value
    }

    func refusal(_ name: String, _ rule: String) -> EventDecodingError {
        EventDecodingError(reason: "item \(key): \(name) \(rule)")
    }
}
