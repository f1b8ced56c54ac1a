import Foundation
import HTTPTypes
import Market
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetStores
import Testing

/// The market's copies of products and users.
@Suite("Market's read models") struct MarketViewTests {
    @Test("they are what their sources are, copied or by events", arguments: Layout.allCases)
    func copies(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            try await house.stockTheMarket()
            let seen =
                "SELECT count(*) FROM {products_view} WHERE price = 12000 AND category_id = 'cups' AND NOT is_deleted"
            #expect(try await house.marketCount(seen) == 1)
            #expect(try await house.marketCount("SELECT count(*) FROM {market_users_view}") == 1)

            let changed = #"{"name": "n", "price": 5, "stock": 3, "discount_rate": null, "currency": "KRW"}"#
            let products = ProductsViewProjection()
            try await house.apply(products, .productUpdated, "상품-1", changed, version: .max - 1)
            // What comes late changes nothing.
            try await house.apply(products, .productUpdated, "상품-1", #"{"name": "old"}"#, version: 2)
            #expect(
                try await house.marketCount("SELECT count(*) FROM {products_view} WHERE price = 5 AND stock = 3") == 1)
            try await house.apply(products, .productDeleted, "상품-1", "{}", version: .max)
            try await house.apply(MarketUsersViewProjection(), .userDeleted, House.buyer, "{}", version: .max)
            for view in ["products_view", "market_users_view"] {
                #expect(try await house.marketCount("SELECT count(*) FROM {\(view)} WHERE is_deleted") == 1)
            }
            // A new copy has what the sources have, and keeps what is newer.
            for projection in [products, MarketUsersViewProjection()] as [any Projection] {
                let model = try PostgresReadModel(projection, databases: house.databases)
                _ = try await model.rebuild(as: "test") { _ in }
                #expect(try await model.source().rows == (projection.name == "products_view" ? 2 : 1))
                #expect(try await model.state().completedAt != nil)
            }
            for view in ["products_view", "market_users_view"] {
                #expect(try await house.marketCount("SELECT count(*) FROM {\(view)} WHERE is_deleted") == 1)
            }
        }
    }

    @Test("users say what they like of themselves, and later builds may have columns for it")
    func details() async throws {
        try await House.open(.threeDatabases) { house in
            let told = #"{"nickname": "n", "name": "", "email": "", "profile_image": null, "age": 34, "region": "서울"}"#
            try await house.apply(MarketUsersViewProjection(), .userUpdated, House.buyer, told)
            let kept = "SELECT count(*) FROM {market_users_view} WHERE age = 34 AND region = '서울' AND gender IS NULL"
            #expect(try await house.marketCount(kept) == 1)
            try await house.databases.client(of: .dropship).execute(
                script: "ALTER TABLE auth.users ADD COLUMN age int DEFAULT 21, ADD COLUMN gender text DEFAULT 'male'")
            _ = try await house.call(
                .put, "/v1/users/\(House.stranger)", #"{"nickname": "n", "name": "n", "email": "e"}"#)
            try await house.copyAll()
            let copied = "SELECT count(*) FROM {market_users_view} WHERE age = 21 AND gender = 'male'"
            #expect(try await house.marketCount(copied) == 1)
            for (id, payload) in [("no uuid", "{}"), (House.buyer, #"{"age": "old"}"#)] {
                await #expect(throws: EventDecodingError.self) {
                    try await house.apply(MarketUsersViewProjection(), .userUpdated, id, payload)
                }
            }
        }
    }
}
