import Foundation
import HTTPTypes
import My
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetRoles
import QuartetStores
import Testing

@testable import QuartetService

/// What those who watch products are told of them.
@Suite("Watch notes") struct WatchNoteTests {
    private static let path = "/v1/my/users/\(House.buyer)/notes"

    @Test(
        "a watcher is told of a new price and of new stock once, with the old price, unread notes first",
        arguments: Layout.allCases)
    func told(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            try await house.stockMy()
            let role = try house.watchNotes()
            try await house.watch("w", House.buyer, "상품-1")
            try await house.happens("상품-1", price: 9_900, stock: 0, version: .max - 9)
            // The same again, one that comes late, and one that changes nothing to tell of.
            try await house.happens("상품-1", price: 9_900, stock: 0, version: .max - 9)
            try await house.happens("상품-1", price: 1, stock: 0, version: 2)
            #expect(try await role.runOnce() == 1)
            try await house.happens("상품-1", price: 9_900, stock: 5, version: .max - 8)
            try await house.happens("상품-1", price: 9_900, stock: 4, version: .max - 7)
            try await house.happens("p-2", price: 1, stock: 1, version: .max - 7)
            #expect(try await role.runOnce() == 1)
            #expect(try await role.runOnce() == 0)
            let notes = try await house.notes()
            #expect(notes.map { $0["is_back_in_stock"] as? Bool } == [true, false])
            #expect(notes[0]["old_price"] == nil && notes[0]["price"] as? Int == 9_900)
            #expect(notes[1]["old_price"] as? Int == 12_000 && notes[1]["price"] as? Int == 9_900)
            #expect(notes[1]["old_currency"] as? String == "KRW" && notes[1]["product_id"] as? String == "상품-1")

            let newest = try #require(notes[0]["id"] as? Int)
            let read = try await house.call(.post, "\(Self.path):read", #"{"ids": [\#(newest), 999]}"#)
            #expect(read.json["read"] as? Int == 1, "\(read.text)")
            let first = try await house.call(.get, "\(Self.path)?limit=1")
            #expect((first.json["notes"] as? [[String: Any]])?.first?["is_unread"] as? Bool == true)
            let next = try #require(first.json["next"] as? String)
            let second = try await house.call(.get, "\(Self.path)?limit=1&cursor=\(next)")
            #expect((second.json["notes"] as? [[String: Any]])?.first?["id"] as? Int == newest)
            #expect(
                try await house.call(.post, "\(Self.path):read", #"{"until": \#(newest)}"#).json["read"] as? Int == 1)
            #expect(try await house.call(.get, "\(Self.path)?cursor=x").status == 400)
            #expect(try await house.call(.get, "/v1/my/users/\(House.stranger)/notes").status == 404)
        }
    }

    @Test("nobody is told what he does not want to know, nor what was before he watched")
    func wishes() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockMy()
            let role = try house.watchNotes()
            // Both change before all are told of the first.
            try await house.watch("a", House.buyer, "p-2", #", "target_price": 500, "currency": "USD""#)
            try await house.happens("p-2", price: 600, stock: 0, version: .max - 9)
            try await house.happens("p-2", price: 500, stock: 0, version: .max - 8)
            try await house.apply(UsersViewProjection(), .userCreated, House.stranger, House.told)
            try await house.watch("b", House.stranger, "p-2")
            #expect(try await role.runOnce() == 1)
            #expect(try await house.notes().map { $0["old_price"] as? Int } == [600])
            // Another currency is another price.
            try await house.happens("p-2", price: 400, currency: "KRW", stock: 0, version: .max - 7)
            #expect(try await role.runOnce() == 1)
            let told = try await house.notes(House.stranger)
            #expect(told.map { $0["currency"] as? String } == ["KRW"] && told[0]["old_currency"] as? String == "USD")
            let quiet = #"{"display_name": "n", "notify_price": false, "notify_stock": true}"#
            #expect(try await house.call(.put, "/v1/profiles/\(House.stranger)", quiet).status == 201)
            try await house.happens("p-2", price: 300, currency: "KRW", stock: 7, version: .max - 6)
            #expect(try await role.runOnce() == 2)
            let stock = try #require(try await house.notes(House.stranger).first)
            #expect(stock["is_back_in_stock"] as? Bool == true && stock["old_price"] == nil)
            // Notes go with their user.
            try await house.apply(UsersViewProjection(), .userDeleted, House.stranger, "{}", version: 9)
            #expect(try await house.myCount("SELECT count(*) FROM {watch_notes}") == 2)
        }
    }

    @Test(
        "many watchers are told in bounded batches, each once and in the order of the changes, by any number of roles")
    func batches() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockMy()
            try await house.plantWatchers(250, of: "p-2")
            let notes = try WatchNotes(databases: house.databases)
            try await house.happens("p-2", price: 600, stock: 0, version: .max - 9)
            try await house.happens("p-2", price: 500, stock: 0, version: .max - 8)
            #expect(try await notes.tell(watchersPerBatch: 100) == (1, 100, 100))
            // One that was cut off goes on where it was, whoever does.
            let roles = try (0..<3).map { _ in try house.watchNotes(watchersPerBatchMax: 100) }
            let told = try await withThrowingTaskGroup(of: Int.self) { group in
                for role in roles { group.addTask { try await role.runOnce() } }
                return try await group.reduce(0, +)
            }
            let last = try await roles[0].runOnce()
            #expect(told + last == 400)
            #expect(try await house.myCount("SELECT count(*) FROM {product_changes}") == 0)
            let inOrder = """
                SELECT count(*) FROM {watch_notes} a JOIN {watch_notes} b USING (user_id, product_id)
                WHERE a.price = 600 AND a.old_price = 700 AND b.price = 500 AND b.old_price = 600 AND a.note_id < b.note_id
                """
            #expect(try await house.myCount(inOrder) == 250)
            // Too old ones go.
            let kept = try await house.myCount("SELECT count(*) FROM {watch_notes}")
            #expect(kept == 500)
            #expect(try await notes.purge(olderThan: .seconds(3_600)) == 0)
            #expect(try await notes.purge(olderThan: .zero) == 500)
            // A product that is gone has neither watchers nor changes to tell of.
            try await house.happens("p-2", price: 400, stock: 0, version: .max - 7)
            try await house.apply(MyProductsViewProjection(), .productDeleted, "p-2", "{}", version: .max)
            #expect(try await roles[0].runOnce() == 0)
            #expect(try await house.myCount("SELECT count(*) FROM {watched_products}") == 0)
        }
    }
}

extension House {
    func watchNotes(watchersPerBatchMax: Int = 1_000) throws -> WatchNotesRole {
        var configuration = WatchNotesConfiguration()
        configuration.watchersPerBatchMax = watchersPerBatchMax
        return WatchNotesRole(
            configuration: configuration, notes: try WatchNotes(databases: databases), logger: Self.logger)
    }

    func watch(_ id: String, _ user: String, _ product: String, _ more: String = "") async throws {
        let body = #"{"id": "\#(id)", "user_id": "\#(user)", "product_id": "\#(product)"\#(more)}"#
        let made = try await call(.post, "/v1/watch_list", body)
        #expect(made.status == 201, "\(made.text)")
    }

    /// What an event says of a product.
    func happens(_ product: String, price: Int, currency: String? = nil, stock: Int, version: Int64) async throws {
        let currency = currency ?? (product == "p-2" ? "USD" : "KRW")
        let payload = #"{"name": "n", "price": \#(price), "currency": "\#(currency)", "stock": \#(stock)}"#
        try await apply(MyProductsViewProjection(), .productUpdated, product, payload, version: version)
    }

    func notes(_ user: String = buyer) async throws -> [[String: Any]] {
        try await call(.get, "/v1/my/users/\(user)/notes").json["notes"] as? [[String: Any]] ?? []
    }

    /// One number that My's database tells.
    func myCount(_ sql: String) async throws -> Int {
        let rendered = try databases.tables.render(sql, label: "test")
        let client = try databases.client(of: MyService.schema)
        return try await client.query(PostgresStatement(rendered.sql)).single().decode(0, as: Int.self)
    }

    func plantWatchers(_ count: Int, of product: String) async throws {
        let users = """
            INSERT INTO {users_view} (user_id, nickname, name, email, version, is_deleted, changed_at)
            SELECT md5(n::text)::uuid, 'n', 'n', 'e', 1, false, now() FROM generate_series(1, \(count)) n;
            INSERT INTO {watch_list} (watch_id, user_id, product_id, version)
            SELECT 'w' || n, md5(n::text)::uuid, '\(product)', 1 FROM generate_series(1, \(count)) n
            """
        let rendered = try databases.tables.render(users, label: "test")
        try await databases.client(of: MyService.schema).execute(script: rendered.sql)
    }
}
