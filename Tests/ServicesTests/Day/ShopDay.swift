import Foundation

/// A shop's day, as large as it is played: what suppliers have, who comes, what is ordered.
struct ShopDay: Sendable {
    /// One user, and what is said of him first and later.
    struct User: Sendable {
        let id: String
        let number: Int

        func json(region: String) -> String {
            let age = 15 + number % 60
            return #"{"nickname": "n\#(number)", "name": "손님 \#(number)", "email": "\#(number)@example.org", "#
                + #""gender": "\#(number % 2 == 0 ? "여" : "남")", "age": \#(age), "region": "\#(region)"}"#
        }
    }

    struct Order: Sendable {
        let quantity, price: Int
        let json: String
    }

    static let suppliers = ["acme", "초원"]
    /// How much dearer things become.
    static let rise = 77

    let itemsPerSupplier, userCount, orderCount: Int
    let reviewedCount, reviewsPerProduct: Int
    /// Orders of one call, or of one lot of records.
    let ordersPerBatch: Int
    /// The roles, by the processes that run them.
    let processes: [String: [String]]
    /// Whether some process dies with each batch, or each dies once.
    let isStormy: Bool

    /// In a test among others.
    static let short = ShopDay(
        itemsPerSupplier: 300, userCount: 100, orderCount: 1_200, reviewedCount: 3, reviewsPerProduct: 12,
        ordersPerBatch: 150,
        processes: ["front": ["serve", "work"], "back": ["relay", "project", "invalidate", "cache", "sync"]],
        isStormy: false)

    static let whole = ShopDay(
        itemsPerSupplier: 5_000, userCount: 2_000, orderCount: 20_000, reviewedCount: 40, reviewsPerProduct: 25,
        ordersPerBatch: 500,
        processes: [
            "serve": ["serve"], "work": ["work"], "relay": ["relay"], "project": ["project"],
            "project again": ["project"], "sync": ["sync"], "copies": ["invalidate", "cache"],
        ],
        isStormy: true)

    // MARK: Suppliers

    func item(_ number: Int, isDearer: Bool) -> String {
        SupplierServer.item(number, price: price(number, isDearer: isDearer))
    }

    /// Each third item becomes dearer.
    func price(_ number: Int, isDearer: Bool) -> Int {
        1_000 + number + (isDearer && number.isMultiple(of: 3) ? Self.rise : 0)
    }

    var productCount: Int { Self.suppliers.count * itemsPerSupplier }
    var dearerCount: Int { Self.suppliers.count * (itemsPerSupplier / 3) }
    var prices: Int { Self.suppliers.count * (1...itemsPerSupplier).reduce(0) { $0 + price($1, isDearer: true) } }

    func product(_ number: Int) -> String {
        "\(Self.suppliers[number % Self.suppliers.count]):i\(1 + number / Self.suppliers.count % itemsPerSupplier)"
    }

    // MARK: Users

    /// The last one comes when he has ordered already.
    var users: [User] {
        (0..<userCount).map { User(id: "00000000-0000-4000-8000-\(Self.twelve($0))", number: $0) }
    }

    private static func twelve(_ number: Int) -> String { String(String(1_000_000_000_000 + number).dropFirst()) }

    // MARK: Orders

    func order(_ number: Int) -> Order {
        let (quantity, price) = (1 + number % 4, 900 + number % 500)
        // No other order is of the last user.
        let user = number == 1 ? userCount - 1 : number % (userCount - 1)
        return Order(
            quantity: quantity, price: price,
            json: #"{"id": "주문-\#(number)", "user_id": "00000000-0000-4000-8000-\#(Self.twelve(user))", "#
                + #""product_id": "\#(product(number))", "quantity": \#(quantity), "unit_price": \#(price)}"#)
    }

    /// Numbers of orders, in lots; every other lot goes through the topic, and a tenth of each goes both ways.
    var batches: [(numbers: [Int], isByTopic: Bool)] {
        stride(from: 0, to: orderCount, by: ordersPerBatch).enumerated().map { place, start in
            let own = start..<min(start + ordersPerBatch, orderCount)
            let again = max(0, start - ordersPerBatch / 10)..<start
            return (Array(again) + own, !place.isMultiple(of: 2))
        }
    }

    // MARK: Reviews

    func reviews(of product: String) -> String {
        let texts = ["정말 마음에 들어요!", "It broke after two days, what a disappointment.", "그냥 그래요."]
        return (0..<reviewsPerProduct).map { number in
            #"{"id": "r-\#(number)", "text": "\#(texts[number % texts.count]) \#(product) \#(number)"}"#
        }.joined(separator: "\n")
    }
}
