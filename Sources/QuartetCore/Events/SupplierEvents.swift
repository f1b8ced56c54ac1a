// What suppliers' items are to those who take them in.

extension AggregateKind {
    package static let supplierItem = AggregateKind(rawValue: "supplier_item")
}

extension EventTopic {
    package static let supplier = EventTopic(rawValue: "supplier.events")
}

extension EventType {
    /// An item is new, or says something else than before; the aggregate's id is its ``OriginKey``.
    package static let supplierItemChanged = EventType(
        "suppliers.item.changed", of: .supplierItem, to: .supplier, as: "suppliers.item.changed",
        carrying: SupplierItemPayload.self)
    /// The supplier lists it no longer.
    package static let supplierItemRemoved = EventType(
        "suppliers.item.removed", of: .supplierItem, to: .supplier, as: "suppliers.item.removed",
        carrying: DeletionPayload.self)
}

/// Of an item as its supplier says it is. What of it can be used is for the reader to say.
package struct SupplierItemPayload: EventPayload {
    package static let fields = "supplier_id, item_id and item"

    /// A field's value. What is nested, a fraction or a flag is none that anybody reads.
    package enum Value: Sendable, Hashable, Codable {
        case null, other
        case text(String)
        case integer(Int64)

        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let number = try? container.decode(Int64.self) {
                self = .integer(number)
            } else if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                self = .other
            }
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .integer(let number): try container.encode(number)
            case .null, .other: try container.encodeNil()
            }
        }
    }

    package let supplierID: String
    package let itemID: String
    package let item: [String: Value]

    package init(supplierID: String, itemID: String, item: [String: Value]) {
        (self.supplierID, self.itemID, self.item) = (supplierID, itemID, item)
    }

    enum CodingKeys: String, CodingKey {
        case supplierID = "supplier_id"
        case itemID = "item_id"
        case item
    }
}
