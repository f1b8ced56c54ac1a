import Foundation
import HTTPTypes
import Market
import My
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

    @Test("users say what they like of themselves, in events and in a copy alike")
    func details() async throws {
        try await House.open(.threeDatabases) { house in
            let told = #"{"nickname": "n", "name": "", "email": "", "profile_image": null, "age": 34, "region": "서울"}"#
            try await house.apply(MarketUsersViewProjection(), .userUpdated, House.buyer, told)
            let kept = "SELECT count(*) FROM {market_users_view} WHERE age = 34 AND region = '서울' AND gender IS NULL"
            #expect(try await house.marketCount(kept) == 1)
            let user = """
                {"nickname": "n", "name": "n", "email": "e", "age": 21, "gender": "male", "age_group": "20s", "region": "부산"}
                """
            #expect(try await house.call(.put, "/v1/users/\(House.stranger)", user).status == 200)
            try await house.copyAll()
            let copied = """
                SELECT count(*) FROM {market_users_view}
                WHERE age = 21 AND gender = 'male' AND age_group = '20s' AND region = '부산'
                """
            #expect(try await house.marketCount(copied) == 1)
            for (id, payload) in [("no uuid", "{}"), (House.buyer, #"{"age": "old"}"#)] {
                await #expect(throws: EventDecodingError.self) {
                    try await house.apply(MarketUsersViewProjection(), .userUpdated, id, payload)
                }
            }
        }
    }

    @Test("each is compared with its source, and what differs is copied again", arguments: Layout.allCases)
    func compared(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let views: [any Projection] = [
                UsersViewProjection(), ProductsViewProjection(), MarketUsersViewProjection(),
            ]
            let models = try views.map { try PostgresReadModel($0, databases: house.databases) }
            for model in models { #expect(try await !model.isKept()) }
            try await house.stockTheMarket()
            _ = try await models[0].bootstrap(as: "test") { _ in }
            for model in models {
                #expect(try await model.isKept())
                let source = try await model.source(behind: nil, limit: 9)
                #expect(try await model.copy(behind: nil, limit: 9) == source && !source.isEmpty, "\(model.name)")
                let last = try #require(source.last)
                #expect(try await model.source(behind: last.key, limit: 9).isEmpty)
                #expect(try await model.copy([last.key, "11111111-0000-7000-8000-000000000000"]) == [last])
            }
            let changes = [
                "UPDATE {users_view} SET nickname = 'x'", "UPDATE {products_view} SET price = 1, version = version + 9",
                "DELETE FROM {market_users_view}",
            ]
            for (model, change) in zip(models, changes) {
                let rendered = try house.databases.tables.render(change, label: "test")
                let database = try #require(rendered.databases.first)
                try await house.databases.client(of: database).execute(script: rendered.sql)
                let source = try await model.source(behind: nil, limit: 9)
                let seen = try await model.copy(behind: nil, limit: 9)
                #expect(seen != source, "\(model.name)")
                try await model.copyAgain(source.map(\.key), seen: seen)
                #expect(try await model.copy(behind: nil, limit: 9) == source, "\(model.name)")
                // What changed since it was looked at is left.
                try await model.copyAgain(source.map(\.key), seen: seen)
                #expect(try await model.copy(behind: nil, limit: 9) == source)
            }
            // A row that the source has not goes.
            try await house.apply(ProductsViewProjection(), .productCreated, "nobody's", #"{"name": "n"}"#)
            let seen = try await models[1].copy(["nobody's"])
            try await models[1].copyAgain(["nobody's"], seen: seen)
            #expect(try await models[1].copy(["nobody's"]).isEmpty)
        }
    }
}
