import ClientSupport
import Foundation
import HTTPTypes
import My
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetStores
import QuartetTesting
import ServiceSupport
import SystemTesting
import Testing

@testable import QuartetService

/// Profiles and the products that users watch.
@Suite("Profiles and watches") struct PeopleTests {
    private static let lenient: [HTTPField.Name: String] = ["Prefer": "handling=lenient"].reduce(into: [:]) {
        if let name = HTTPField.Name($1.key) { $0[name] = $1.value }
    }

    @Test(
        "a profile is made, read, changed under its version and deleted, of users that there are",
        arguments: Layout.allCases)
    func profiles(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let path = "/v1/profiles/\(House.buyer)"
            let body = #"{"display_name": "이름", "locale": "ko-KR", "time_zone": "Asia/Seoul"}"#
            let early = try await house.call(.put, path, body)
            #expect(early.status == 409 && early.detail == "there is no user of this id", "\(early.text)")
            try await house.stockMy()
            let made = try await house.call(.put, path, body)
            #expect(made.status == 201 && made.json["id"] as? String == House.buyer, "\(made.text)")
            #expect(made.json["notify_price"] as? Bool == true && made.json["notify_email"] as? Bool == false)
            let change = #"{"bio": "차를 좋아해요", "notify_stock": false}"#
            #expect(try await house.call(.patch, path, change).status == 428)
            #expect(try await house.call(.patch, path, change, [.ifMatch: "\"77\""]).status == 412)
            let changed = try await house.call(.patch, path, change, [.ifMatch: made.tag])
            #expect(changed.status == 200 && changed.tag != made.tag && changed.json["locale"] as? String == "ko-KR")
            #expect(try await house.call(.get, path).text == changed.text)
            let wrong = [
                (path, #"{"display_name": "n", "time_zone": "Mars/Base"}"#, "time_zone is"),
                (path, #"{"display_name": "n", "time_zone": "EST5EDT4"}"#, "time_zone is"),
                (path, #"{"display_name": "n", "locale": "Korean!"}"#, "locale is"),
                ("/v1/profiles/someone", body, "id is a user's"),
                ("/v1/profiles/\(House.stranger)", body, "there is no user"),
            ]
            for (path, body, reason) in wrong {
                let refused = try await house.call(.put, path, body)
                #expect(refused.status == 409 && refused.detail.hasPrefix(reason), "\(refused.text)")
            }
            #expect(try await house.call(.delete, path, nil, [.ifMatch: changed.tag]).status == 200)
            #expect(try await house.call(.get, path).status == 404)
            let csv = "id,display_name,locale\n\(House.buyer),다시,en\n\(House.stranger),nobody,\n"
            let headers = Self.lenient.merging([.contentType: "text/csv"]) { $1 }
            let imported = try await house.call(.post, "/v1/profiles:import", csv, headers)
            let refused = imported.json["refused"] as? [[String: Any]] ?? []
            #expect(imported.json["changed"] as? Int == 1 && refused.compactMap { $0["line"] as? Int } == [3])
            #expect(try await house.call(.get, path).json["display_name"] as? String == "다시")
        }
    }

    @Test(
        "a user watches a product once; watches are listed by user and by product, and imported",
        arguments: Layout.allCases)
    func watches(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            try await house.stockMy()
            func watch(_ user: String, _ product: String) -> String {
                #"{"user_id": "\#(user)", "product_id": "\#(product)", "note": "for 엄마", "target_price": 9000}"#
            }
            let made = try await house.call(.post, "/v1/watch_list", watch(House.buyer, "상품-1"))
            #expect(made.status == 201 && made.json["target_price"] as? Int == 9_000, "\(made.text)")
            for (user, product, reason) in [
                (House.buyer, "상품-1", "the user watches this product already"),
                (House.stranger, "상품-1", "there is no user of this user_id"),
                (House.buyer, "p-9", "there is no product of this product_id"),
            ] {
                let refused = try await house.call(.post, "/v1/watch_list", watch(user, product))
                #expect(refused.status == 409 && refused.detail == reason, "\(refused.text)")
            }
            let path = try #require(made.headers[.location])
            let moved = try await house.call(.patch, path, #"{"product_id": "p-9"}"#, [.ifMatch: "*"])
            #expect(moved.status == 409, "\(moved.text)")
            #expect(try await house.call(.patch, path, #"{"note": null}"#, [.ifMatch: made.tag]).json["note"] == nil)
            let lines = [
                #"{"id": "w-2", "user_id": "\#(House.buyer)", "product_id": "p-2"}"#,
                #"{"id": "w-3", "user_id": "\#(House.stranger)", "product_id": "p-2"}"#,
                #"{"id": "w-4", "user_id": "\#(House.buyer)", "product_id": "p-9"}"#,
            ]
            let imported = try await house.call(
                .post, "/v1/watch_list:import", lines.joined(separator: "\n"), Self.lenient)
            let refused = imported.json["refused"] as? [[String: Any]] ?? []
            #expect(refused.compactMap { $0["line"] as? Int } == [2, 3] && imported.json["changed"] as? Int == 1)
            let id = try #require(made.json["id"] as? String)
            let list = "/v1/watch_list?"
            #expect(try await house.call(.get, "\(list)user_id=\(House.buyer)").ids("watch_list") == [id, "w-2"])
            #expect(try await house.call(.get, "\(list)product_id=p-2").ids("watch_list") == ["w-2"])
            #expect(try await house.call(.get, "\(list)user_id=\(House.stranger)").ids("watch_list") == [])
            // One that was given up may be taken up again.
            #expect(try await house.call(.delete, path, nil, [.ifMatch: "*"]).status == 200)
            #expect(try await house.call(.post, "/v1/watch_list", watch(House.buyer, "상품-1")).status == 201)
        }
    }

    @Test("what belongs to a user, or is about a product, goes with them, and nothing else; late events change nothing")
    func leaving() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockMy()
            try await house.apply(UsersViewProjection(), .userCreated, House.stranger, House.told)
            for (index, user) in [House.buyer, House.stranger].enumerated() {
                _ = try await house.call(.put, "/v1/profiles/\(user)", #"{"display_name": "n"}"#)
                for product in ["상품-1", "p-2"] {
                    let body = #"{"id": "w\#(index)\#(product)", "user_id": "\#(user)", "product_id": "\#(product)"}"#
                    #expect(try await house.call(.post, "/v1/watch_list", body).status == 201)
                }
            }
            let before = try await house.call(.get, "/v1/watch_list/w1p-2")
            try await house.apply(UsersViewProjection(), .userDeleted, House.stranger, "{}", version: 9)
            func watched() async throws -> [String] { try await house.call(.get, "/v1/watch_list").ids("watch_list") }
            #expect(try await watched() == ["w0p-2", "w0상품-1"])
            #expect(try await house.call(.get, "/v1/profiles/\(House.stranger)").status == 404)
            #expect(try await house.call(.get, "/v1/profiles/\(House.buyer)").status == 200)
            try await house.apply(MyProductsViewProjection(), .productDeleted, "p-2", "{}", version: .max)
            #expect(try await watched() == ["w0상품-1"])
            try await house.apply(UsersViewProjection(), .userUpdated, House.stranger, House.told, version: 8)
            try await house.apply(MyProductsViewProjection(), .productUpdated, "p-2", #"{"name": "n"}"#, version: 8)
            let again = #"{"id": "w1p-2", "user_id": "\#(House.stranger)", "product_id": "상품-1"}"#
            #expect(try await house.call(.post, "/v1/watch_list", again).status == 409)
            // Who is there again begins anew, and old versions stay old.
            try await house.apply(UsersViewProjection(), .userUpdated, House.stranger, House.told, version: 10)
            let anew = try await house.call(.post, "/v1/watch_list", again)
            #expect(anew.status == 201 && anew.tag != before.tag, "\(anew.text)")
            #expect(try await house.call(.get, "/v1/profiles/\(House.stranger)").status == 404)
        }
    }

    @Test("whoever goes while a watch is made leaves none behind")
    func race() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.stockMy()
            let insert = """
                INSERT INTO {watch_list} (watch_id, user_id, product_id, version)
                VALUES ('w', $1::text::uuid, 'p-2', 1)
                """
            let file = SQLFile(label: "race", statements: ["watch": insert])
            let watch = try house.databases.statements(in: file).named("watch")
            let waiting = PostgresStatement(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
            let leaving = try await watch.transaction { work in
                _ = try await work.run(watch, House.buyer)
                let leaving = Task {
                    while true {
                        do {
                            let users = UsersViewProjection()
                            return try await house.apply(users, .userDeleted, House.buyer, "{}", version: .max)
                        } catch let error as any StoreFailure where error.isRetriable || error.isUnavailable {
                            // It waited for longer than statements may.
                        }
                    }
                }
                _ = try await eventually("the deletion waits") {
                    try await watch.client.query(waiting, isAlone: true).first
                }
                return leaving
            }
            try await leaving.value
            #expect(try await house.call(.get, "/v1/watch_list/w").status == 404)
        }
    }

    @Test("a watch or a profile that names nobody is deleted as any caller would", arguments: Layout.allCases)
    func references(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            try await house.stockMy()
            // My knows them, and their services do not.
            try await house.apply(UsersViewProjection(), .userCreated, House.stranger, House.told)
            try await house.apply(MyProductsViewProjection(), .productCreated, "p-9", #"{"name": "n"}"#)
            _ = try await house.call(.put, "/v1/profiles/\(House.stranger)", #"{"display_name": "n"}"#)
            for (id, user, product) in [
                ("a", House.buyer, "p-2"), ("b", House.stranger, "p-2"), ("c", House.buyer, "p-9"),
            ] {
                let body = #"{"id": "\#(id)", "user_id": "\#(user)", "product_id": "\#(product)"}"#
                #expect(try await house.call(.post, "/v1/watch_list", body).status == 201)
            }
            let resources = house.services.flatMap(\.resources).compactMap { $0 as? ResourceEndpoints }
            #expect(MyService.references.count == 3)
            for reference in MyService.references {
                let resource = try #require(resources.first { $0.name == reference.table.rawValue })
                let store = try PostgresReferenceCheckStore(reference, databases: house.databases) { row in
                    try await resource.delete(row.key, ifVersion: row.version)
                }
                let seen = try await store.references(behind: nil, limit: 10)
                let present = try await store.present(Set(seen.map(\.target)))
                try await store.mend(seen.filter { !present.contains($0.target) })
            }
            #expect(try await house.call(.get, "/v1/watch_list").ids("watch_list") == ["a"])
            #expect(try await house.call(.get, "/v1/profiles").ids("profiles") == [])
        }
    }
}

extension House {
    static let told = #"{"nickname": "n", "name": "n", "email": "e"}"#

    /// As ``stockTheMarket()``, and in My's copies.
    func stockMy() async throws {
        try await stockTheMarket()
        for projection in [UsersViewProjection(), MyProductsViewProjection()] as [any Projection] {
            _ = try await PostgresReadModel(projection, databases: databases).bootstrap(as: "test") { _ in }
        }
    }
}
