import ClientSupport
import HTTPTypes
import Logging
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetRoles
import QuartetTesting
import ServiceSupport
import Testing

/// Every row has its turn in an aging cache.
@Suite("Aging caches") struct AgingRowsTests {
    private static let rows = 10_000

    private func source(_ name: String, of house: House) throws -> AgingRows {
        try #require(house.services.flatMap(\.agingRows).first { $0.name == name })
    }

    private func refresher(_ source: AgingRows, _ store: FakeAgingCacheStore) -> AgingRefresher {
        AgingRefresher(configuration: Live(AgingConfiguration()), source: source, store: store, logger: House.logger)
    }

    private func fill(_ house: House) async throws {
        let (auth, catalog) = ("users", "products")
        for (table, script) in [
            (
                catalog,
                "INSERT INTO %.products (product_id, name, version, created_at, updated_at) "
                    + "SELECT 'p' || n, 'name', 1, now(), now() FROM generate_series(1, \(Self.rows)) n"
            ),
            (
                auth,
                "INSERT INTO %.users (user_id, nickname, version, created_at, updated_at) "
                    + "SELECT gen_random_uuid(), 'n', 1, now(), now() FROM generate_series(1, \(Self.rows)) n;"
                    + "INSERT INTO %.user_profiles SELECT user_id, 'name', 'mail' FROM %.users"
            ),
        ] {
            let place = house.databases.tables[Table(table)]
            try await house.databases.client(of: place.database).execute(
                script: script.replacing("%", with: place.schema))
        }
    }

    @Test("each of 10,000 rows is cached within 20 turns, and again within 20 more", arguments: ["users", "products"])
    func everyRowHasItsTurn(_ name: String) async throws {
        try await House.open(.threeDatabases) { house in
            try await fill(house)
            let (source, store) = (try source(name, of: house), FakeAgingCacheStore())
            let refresher = refresher(source, store)
            for round in 1...2 {
                var seen: Set<String> = []
                for turn in 1...20 {
                    let count = try await refresher.refill()
                    #expect(count <= 1_000 && count >= 500, "turn \(turn)")
                    let cached = try #require(try await store.random(2_000, of: name)).rows
                    #expect(cached.count == count)
                    seen.formUnion(cached.map(\.id))
                }
                #expect(seen.count == Self.rows, "round \(round)")
            }
            let turns = try await source.turns()
            #expect(turns.rows == Self.rows && turns.new == 0 && turns.oldest != nil)
            // Turns are no changes.
            #expect(try await house.events(of: Table(name)).isEmpty)

            var (last, forgotten) = ("", 0)
            while let page = try await source.forgetTurns(after: last, limit: 3_000) {
                (last, forgotten) = (page.id, forgotten + page.count)
            }
            #expect(forgotten == Self.rows)
            #expect(try await source.turns() == AgingTurns(rows: Self.rows, new: Self.rows, oldest: nil))
        }
    }

    @Test("a row that somebody is changing holds nobody up, and has its turn later")
    func aHeldRow() async throws {
        try await House.open(.oneDatabase) { house in
            for id in ["a", "b", "c"] { _ = try await house.call(.put, "/v1/products/\(id)", #"{"name": "x"}"#) }
            let (source, store) = (try source("products", of: house), FakeAgingCacheStore())
            let place = house.databases.tables[Table("products")]
            let client = try house.databases.client(of: place.database)
            try await client.transaction { session in
                _ = try await session.query(
                    PostgresStatement("SELECT 1 FROM \(place.schema).products WHERE product_id = 'b' FOR UPDATE"))
                #expect(try await refresher(source, store).refill() == 3)
            }
            #expect(try await source.turns().new == 1)
            #expect(try await source.next(new: 9, old: 0).map(\.id) == ["b"])
        }
    }

    @Test("a row that was deleted has no more turns")
    func aDeletedRow() async throws {
        try await House.open(.oneDatabase) { house in
            let user = "11111111-2222-7333-8444-555555555555"
            let body = #"{"nickname": "n", "name": "이름", "email": "e"}"#
            let put = try await house.call(.put, "/v1/users/\(user)", body)
            let (source, store) = (try source("users", of: house), FakeAgingCacheStore())
            #expect(try await refresher(source, store).refill() == 1)
            #expect(
                try await store.random(1, of: "users")?.rows.map { String(decoding: $0.json, as: UTF8.self) }.count == 1
            )
            #expect(put.status == 200)
            _ = try await house.call(.delete, "/v1/users/\(user)")
            #expect(try await refresher(source, store).refill() == 0)
            #expect(try await store.random(1, of: "users") == nil)
        }
    }

    @Test("two refreshers have one turn between them, and who fails leaves it to the other")
    func oneTurn() async throws {
        try await House.open(.oneDatabase) { house in
            _ = try await house.call(.put, "/v1/products/a", #"{"name": "x"}"#)
            let (source, store) = (try source("products", of: house), FakeAgingCacheStore())
            let refresher = refresher(source, store)
            #expect(try await refresher.runOnce() == nil)
            #expect(try await refresher.runOnce() != nil)
            try await store.giveUpTurn(of: "products")
            let place = house.databases.tables[Table("products")]
            let client = try house.databases.client(of: place.database)
            let table = "\(place.schema).products"
            try await client.execute(script: "ALTER TABLE \(table) RENAME TO away")
            await #expect(throws: PostgresError.self) { try await refresher.runOnce() }
            try await client.execute(script: "ALTER TABLE \(place.schema).away RENAME TO products")
            #expect(try await refresher.runOnce() == nil)
        }
    }
}
