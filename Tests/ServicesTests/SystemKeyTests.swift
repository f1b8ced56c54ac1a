import Foundation
import HTTPTypes
import Postgres
import QuartetDatabases
import QuartetHTTP
import ServiceLifecycle
import Synchronization
import SystemTesting
import Testing

@testable import QuartetService
@testable import SystemRoom

/// Callers' keys: who may do what, until when, and what of it can be seen.
@Suite("API keys", .timeLimit(.minutes(5))) struct SystemKeyTests {
    @Test(
        "SHA-256 is that of FIPS 180-4",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 10_000),
                "27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711"
            ),
        ])
    func digest(_ text: String, _ digest: String) { #expect(NewKey.hash(of: text) == digest) }

    @Test("a ring knows keys by all of their text, until they expire or are gone")
    func ring() {
        let time = Mutex(Date(timeIntervalSince1970: 1_000))
        let ring = KeyRing { time.withLock { $0 } }
        let (key, other) = (NewKey(), NewKey())
        #expect(key.text != other.text && key.text.utf8.count == 84 && key.text.hasPrefix(key.id + "_"))
        #expect(ring.verdict(on: key.text[...]) == .notYet && ring.verdict(on: "another") == .unknown)
        let caller = Caller(name: "n", scope: .read)
        let known = { (key: NewKey, caller: Caller?) in
            KeyRing.Known(
                id: key.id, hash: Array(NewKey.hash(of: key.text).utf8), caller: caller,
                expiresAt: Date(timeIntervalSince1970: 2_000))
        }
        ring.replace(by: [known(key, caller), known(other, nil)])
        #expect(ring.verdict(on: key.text[...]) == .caller(caller))
        #expect(ring.verdict(on: other.text[...]) == .unknown)
        for wrong in [
            key.id, key.id + "_", String(key.text.dropLast()), key.text + "0", key.id + other.text.dropFirst(19),
        ] {
            #expect(ring.verdict(on: wrong[...]) == .unknown, "\(wrong)")
        }
        #expect(ring.takeUses() == [key.id: Date(timeIntervalSince1970: 1_000)] && ring.takeUses().isEmpty)
        time.withLock { $0 = Date(timeIntervalSince1970: 2_000) }
        #expect(ring.verdict(on: key.text[...]) == .expired)
        ring.replace(by: [])
        #expect(ring.verdict(on: key.text[...]) == .unknown)
    }

    @Test(
        "a key is good for its scope, changes carry its name, and it ends when it is revoked",
        arguments: Layout.allCases)
    func scopes(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let unread = try await house.call(.get, "/v1/config", as: NewKey().text)
            #expect(unread.status == 503 && unread.headers[.retryAfter] == "1")
            var keys: [String: (id: String, text: String)] = [:]
            for scope in ["read", "write", "admin"] {
                let made = try await house.call(.post, "/v1/keys", #"{"name": "my \#(scope)", "scope": "\#(scope)"}"#)
                #expect(made.status == 201 && made.headers[.cacheControl] == "no-store", "\(made.text)")
                keys[scope] = (try #require(made.json["id"] as? String), try #require(made.json["key"] as? String))
            }
            let (read, write, admin) = (
                try #require(keys["read"]), try #require(keys["write"]), try #require(keys["admin"])
            )
            let setting = "/v1/config/aging.new_rows"
            for key in [read, write, admin] {
                #expect(try await house.call(.get, setting, as: key.text).status == 200)
                #expect(
                    try await house.call(.get, setting, nil, [.authorization: "", .apiKey: key.text]).status == 200)
            }
            let category = #"{"name": "n"}"#
            let refused = try await house.call(.put, "/v1/categories/c", category, as: read.text)
            #expect(refused.status == 403 && refused.detail.contains("write"), "\(refused.text)")
            #expect(try await house.call(.put, "/v1/categories/c", category, as: write.text).status == 201)
            for key in [read, write] {
                let body = #"{"value": 5}"#
                #expect(try await house.call(.put, setting, body, [.ifMatch: "*"], as: key.text).status == 403)
                #expect(try await house.call(.get, "/v1/keys", as: key.text).status == 403)
                #expect(try await house.call(.delete, "/v1/keys/\(admin.id)", as: key.text).status == 403)
            }
            let set = try await house.call(.put, setting, #"{"value": 5}"#, [.ifMatch: "*"], as: admin.text)
            #expect(set.status == 200 && set.json["changed_by"] as? String == "my admin", "\(set.text)")

            let revoked = try await house.call(.delete, "/v1/keys/\(write.id)", as: admin.text)
            #expect(revoked.status == 200 && revoked.json["revoked_by"] as? String == "my admin")
            #expect(try await house.call(.get, setting, as: write.text).status == 401)
            let again = try await house.call(.delete, "/v1/keys/\(write.id)")
            #expect(again.status == 200)
            #expect(again.json["revoked_at"] as? String == revoked.json["revoked_at"] as? String)
            let one = try await house.call(.get, "/v1/keys/\(write.id)")
            #expect(one.json["revoked_at"] as? String == revoked.json["revoked_at"] as? String)
            #expect(try await house.call(.get, "/v1/keys/qk_0000000000000000").status == 404)
            // Whoever puts a whole key there does not see it again.
            let misplaced = try await house.call(.get, "/v1/keys/\(read.text)")
            #expect(misplaced.status == 404 && !misplaced.detail.contains(read.text), "\(misplaced.text)")

            let list = try await house.call(.get, "/v1/keys")
            #expect(list.ids("keys") == keys.values.map(\.id).sorted())
            let page = try await house.call(.get, "/v1/keys?limit=2")
            let next = try #require(page.json["next"] as? String)
            #expect(
                page.ids("keys") + (try await house.call(.get, "/v1/keys?limit=2&after=\(next)")).ids("keys")
                    == list.ids("keys"))
            let rows = try await house.look("SELECT string_agg(k::text, ' ') FROM {api_keys} k")
            for key in keys.values {
                let secret = key.text.dropFirst(NewKey.idLength + 1)
                #expect(!list.text.contains(secret) && !rows.contains(secret))
            }
        }
    }

    @Test(
        "what can't be a key is refused",
        arguments: [
            (#"{"scope": "read"}"#, 422, "name"), (#"{"name": "n", "scope": "all"}"#, 422, "read, write, admin"),
            (#"{"name": "", "scope": "read"}"#, 422, "name"), (#"{"name": "a\u0001", "scope": "read"}"#, 422, "name"),
            (#"{"name": "QUARTET_API_KEY", "scope": "read"}"#, 422, "name"),
            (#"{"name": "n", "scope": "read", "expires_at": "soon"}"#, 422, "expires_at"),
            (#"{"name": "n", "scope": "read", "key": "mine"}"#, 422, "key"),
            (#"{"name": "taken", "scope": "read"}"#, 409, "name"),
        ])
    func refusals(_ body: String, _ status: Int, _ words: String) async throws {
        try await House.open(.oneDatabase) { house in
            let taken = try await house.call(.post, "/v1/keys", #"{"name": "taken", "scope": "read"}"#)
            let id = try #require(taken.json["id"] as? String)
            #expect(try await house.call(.delete, "/v1/keys/\(id)").status == 200)
            let refused = try await house.call(.post, "/v1/keys", body)
            #expect(refused.status == status && refused.detail.contains(words), "\(refused.text)")
        }
    }

    @Test(
        "every copy hears of new and revoked keys, keeps them while the database is away, and notes when they were used"
    )
    func copies() async throws {
        try await House.open(.threeDatabases) { house in
            let other = try SystemService(databases: house.databases)
            let loop = other.watch.service(withKeys: true, logger: House.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await loop.run() }
                let past = #"{"name": "past", "scope": "read", "expires_at": "2020-01-01T00:00:00Z"}"#
                let old = try #require(try await house.call(.post, "/v1/keys", past).json["key"] as? String)
                let made = try await house.call(.post, "/v1/keys", #"{"name": "a", "scope": "write"}"#)
                let (id, key) = (try #require(made.json["id"] as? String), try #require(made.json["key"] as? String))
                let caller = KeyVerdict.caller(Caller(name: "a", scope: .write))
                try await eventually("the other copy knows it") { other.keys.verdict(on: key[...]) == caller }
                #expect(other.keys.verdict(on: old[...]) == .expired)
                #expect(try await house.call(.get, "/v1/config", as: old).status == 401)

                try await other.watch.refreshKeys()
                // Or the loop is about to.
                let used = try await eventually("the use is noted") {
                    let answer = try await house.call(.get, "/v1/keys/\(id)")
                    return answer.json["last_used_at"] == nil ? nil : answer
                }
                // Not again within a minute.
                #expect(other.keys.verdict(on: key[...]) == caller)
                try await other.watch.refreshKeys()
                #expect(try await house.call(.get, "/v1/keys/\(id)").text == used.text)

                #expect(try await house.call(.delete, "/v1/keys/\(id)").status == 200)
                try await eventually("the other copy refuses it") { other.keys.verdict(on: key[...]) == .unknown }

                let last = try await house.call(.post, "/v1/keys", #"{"name": "b", "scope": "read"}"#)
                let known = try #require(last.json["key"] as? String)
                let place = house.databases.tables.place(of: SystemService.schema)
                let rename = "ALTER TABLE \(place.schema).api_keys RENAME TO away"
                try await house.databases.client(of: place.database).execute(script: rename)
                #expect(try await house.call(.get, "/v1/keys").status == 503)
                #expect(try await house.call(.get, "/v1/config", as: known).status == 200)
                group.cancelAll()
            }
        }
    }
}

extension House {
    /// A call by another key.
    fileprivate func call(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, _ headers: [HTTPField.Name: String] = [:],
        as key: String
    ) async throws -> Answer {
        try await call(method, path, body, headers.merging([.authorization: "Bearer \(key)"]) { $1 })
    }

    fileprivate func look(_ sql: String) async throws -> String {
        let file = SQLFile(label: "look", statements: ["look": sql])
        let statement = try databases.statements(in: file, of: SystemService.schema).named("look")
        return try await statement.run().first?.decode(0, as: String?.self) ?? ""
    }
}
