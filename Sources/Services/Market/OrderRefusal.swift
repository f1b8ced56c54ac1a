import ClientSupport
import Foundation
import HTTPTypes
import QuartetHTTP

/// Why an order is not stored.
package struct OrderRefusal: StoreFailure, Hashable {
    package enum Reason: Sendable, Hashable {
        /// Another one has its id, which differs in these fields.
        case otherUnderItsID(fields: String)
        /// The copies do not know them: not yet, or no longer.
        case unknownUser, unknownProduct
        /// Neither it nor its product has one.
        case noPrice
    }

    package let order: NewOrder
    package let reason: Reason

    package var description: String {
        switch reason {
        case .otherUnderItsID(let fields): "there is an order \(order.id) already with another \(fields)"
        case .unknownUser: "order \(order.id): there is no user \(order.userID.uuidString.lowercased())"
        case .unknownProduct: "order \(order.id): there is no product \(order.productID)"
        case .noPrice: "order \(order.id) has no unit_price, and its product has none that an order can have"
        }
    }

    package var mayHaveHappened: Bool { false }
    package var isRetriable: Bool { false }
    package var isUnavailable: Bool { false }
    /// Whom or what it names may still come.
    package var isRefusedValue: Bool { !reason.passes }

    var problem: Problem {
        switch reason {
        case .otherUnderItsID: Problem(.conflict, "conflict", description)
        case .unknownUser: Problem(.conflict, "unknown-user", description)
        case .unknownProduct: Problem(.conflict, "unknown-product", description)
        case .noPrice: Problem(.unprocessableContent, "missing-field", description)
        }
    }
}

extension OrderRefusal.Reason {
    fileprivate var passes: Bool {
        switch self {
        case .otherUnderItsID: false
        case .unknownUser, .unknownProduct, .noPrice: true
        }
    }
}
