import QuartetDatabases

/// What a supplier has, and where it lists that: at its URL, `/` and the name. In the order in which they are fetched.
package enum SupplierKind: String, Sendable, CaseIterable, Codable {
    case categories, items, orders, questions

    var table: Table {
        switch self {
        case .categories: .supplierCategoryRaw
        case .items: .supplierItemRaw
        case .orders: .supplierOrderRaw
        case .questions: .supplierQnaRaw
        }
    }
}
