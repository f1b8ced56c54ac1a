import Auth
import Catalog
import ClientSupport
import Foundation
import HTTPTypes
import My
import Postgres
import QuartetAPI
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetRoles
import QuartetStores
import ServiceSupport
import Testing

@testable import QuartetService

/// Services keep to themselves, and what is wrong with one stops it alone.
@Suite("Containment") struct ContainmentTests {
    private static let user = "11111111-2222-7333-8444-555555555555"

    @Test("users and their copy work wherever their schemas are", arguments: Layout.allCases)
    func users(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let body = #"{"nickname": "n", "name": "이름", "email": "e"}"#
            let put = try await house.call(.put, "/v1/users/\(Self.user)", body)
            #expect(put.status == 200)
            #expect(try await house.call(.get, "/v1/my/users/\(Self.user)").status == 404)
            let view = try PostgresReadModel(UsersViewProjection(), databases: house.databases)
            try await view.copyAgain([Self.user], seen: [])
            #expect(try await house.call(.get, "/v1/my/users/\(Self.user)").text == put.text)
            #expect(try await house.events(of: Table("users")).contains("auth.user.created \(Self.user)"))
        }
    }

    @Test("a service's role has rights in its own schema alone", arguments: Layout.allCases)
    func roles(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let schemas = HouseServices.all.map { $0.schema }
            for service in schemas {
                let pool = try house.databases.client(of: service)
                for other in ServiceSchema.pipeline + schemas where other.name != service.name {
                    let place = house.databases.tables.place(of: other)
                    guard place.database == house.databases.tables.place(of: service).database else { continue }
                    let strange = PostgresStatement("SELECT 1 FROM \(place.schema).\(other.tables[0]) LIMIT 1")
                    let error = await #expect(throws: PostgresError.self) { try await pool.query(strange) }
                    #expect(error?.sqlState == "42501", "\(service.name) reads \(other.name)")
                }
            }
        }
    }

    @Test("a schema that is gone stops its service alone, and readiness names it", arguments: Layout.allCases)
    func missingSchema(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let place = house.databases.tables.place(of: MyService.schema)
            try await house.databases.client(of: place.database).execute(script: "DROP SCHEMA \(place.schema) CASCADE")
            let refused = try await house.call(.get, "/v1/my/users/\(Self.user)")
            #expect(refused.status == 503 && refused.detail.contains("the service my"), "\(refused.text)")
            #expect(try await house.call(.get, "/v1/users/\(Self.user)").status == 404)
            #expect(try await house.call(.get, "/v1/categories").status == 200)
            await #expect(throws: PostgresStoreError.self) {
                try await house.databases.requireSchema(of: MyService.schema)
            }
            let probe = try #require(house.clients.probes(publishing: false).first { $0.store == "service.my" })
            #expect(!probe.isEssential)
            await #expect(throws: PostgresStoreError.self) { try await probe.check(.after(.seconds(10))) }
            // It comes back by itself once it is there again.
            try await Migrator(
                databases: house.databases, roles: house.clients.configuration.services.mapValues(\.role),
                logger: House.logger
            ).migrate()
            #expect(try await house.call(.get, "/v1/my/users/\(Self.user)").status == 404)
        }
    }

    @Test("a table that somebody holds, or that a role may not read, is said of its service alone")
    func keptOut() async throws {
        try await House.open(.threeDatabases) { house in
            let database = try house.databases.client(of: house.databases.tables.place(of: AuthService.schema).database)
            func unready() async -> [String] {
                var stores: [String] = []
                for probe in house.clients.probes(publishing: false) where probe.store.hasPrefix("service.") {
                    do { try await probe.check(.after(.seconds(10))) } catch { stores.append(probe.store) }
                }
                return stores
            }
            #expect(await unready() == [])
            try await database.transaction { session in
                try await session.execute(script: "LOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE")
                #expect(await unready() == ["service.auth"])
                let kept = try await house.call(.get, "/v1/users/\(Self.user)")
                #expect(kept.status == 503 && kept.text.contains("locked"), "\(kept.text)")
                #expect(try await house.call(.get, "/v1/categories").status == 200)
            }
            #expect(await unready() == [])
            let role = house.clients.configuration.services["my"]?.role ?? ""
            try await house.databases.client(of: house.databases.tables.place(of: MyService.schema).database).execute(
                script: "ALTER TABLE my.profiles OWNER TO CURRENT_USER; REVOKE ALL ON my.profiles FROM \(role)")
            #expect(await unready() == ["service.my"])
        }
    }

    @Test("a unit of work that would write a second database is refused with both tables' names")
    func unitOfWork() async throws {
        try await House.open(.threeDatabases) { house in
            let here = SQLFile(
                label: "here", statements: ["touch": "UPDATE {categories} SET name = name WHERE category_id = $1::text"]
            )
            let there = SQLFile(
                label: "there", statements: ["touch": "DELETE FROM {projections} WHERE name = $1::text"])
            let first = try house.databases.statements(in: here, of: CatalogService.schema).named("touch")
            let second = try house.databases.statements(in: there, of: MyService.schema).named("touch")
            let error = await #expect(throws: PostgresStoreError.self) {
                try await first.transaction { work in
                    _ = try await work.run(first, "a")
                    _ = try await work.run(second, "a")
                }
            }
            #expect(error?.code == .twoDatabases)
            #expect(error?.description.contains("categories (database dropship)") == true)
            #expect(error?.description.contains("projections (database market)") == true)
        }
    }

    @Test("a service's statements name its own tables only")
    func strangeTables() async throws {
        try await House.open(.oneDatabase) { house in
            let file = SQLFile(label: "x.sql", statements: ["look": "SELECT 1 FROM {categories}, {users}"])
            let error = #expect(throws: PostgresStoreError.self) {
                try house.databases.statements(in: file, of: CatalogService.schema)
            }
            #expect(error?.description.contains("catalog names table users, which is auth's") == true)
        }
    }

    @Test("rows of another database are looked up by keys, many callers at once")
    func lookups() async throws {
        try await House.open(.threeDatabases) { house in
            for id in ["a", "b"] { _ = try await house.call(.put, "/v1/categories/\(id)", #"{"name": "\#(id)!"}"#) }
            let file = SQLFile(
                label: "names",
                statements: ["names": "SELECT category_id, name FROM {categories} WHERE category_id = ANY ($1::text[])"]
            )
            let statement = try house.databases.statements(in: file, of: CatalogService.schema).named("names")
            let names = KeyedLookup<String, String>(statement) { try $0.decode(String.self, String.self) }
            let keys = (0..<2_500).map { "k\($0)" } + ["a", "b"]
            #expect(try await names(keys) == ["a": "a!", "b": "b!"])
            #expect(try await names("b") == "b!")
            #expect(try await names("none") == nil)
        }
    }

    @Test("tables of one service that a configuration puts apart are refused")
    func apart() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try QuartetConfiguration.load(path: nil, environment: ["TABLES_CATEGORIES_DATABASE": "market"])
        }
        #expect(error?.problem.contains("products") == true && error?.problem.contains("categories") == true)
    }

    @Test("every call of every service is described, and no other")
    func description() async throws {
        try await House.open(.oneDatabase) { house in
            let answer = try await house.call(.get, "/openapi.json")
            let paths = try #require(answer.json["paths"] as? [String: [String: Any]])
            let described = paths.flatMap { path, calls in calls.keys.map { "\($0.uppercased()) \(path)" } }
            let server = try House.server(house.services, house.clients)
            #expect(Set(described) == server.routes.filter { !$0.hasPrefix("HEAD ") })
            let references = answer.text.matches(of: /"\$ref" : "#\/components\/(\w+)\/(\w+)"/)
            let components = try #require(answer.json["components"] as? [String: [String: Any]])
            for reference in references {
                #expect(components[String(reference.1)]?[String(reference.2)] != nil, "\(reference.0)")
            }
        }
    }

    @Test("lists are read by their indexes")
    func plans() async throws {
        try await House.open(.oneDatabase) { house in
            // With none, any index is as good as another.
            let place = house.databases.tables[Table("products")]
            try await house.databases.client(of: place.database).execute(
                script: """
                    INSERT INTO \(place.schema).products (
                        product_id, name, version, created_at, updated_at, brand, price, category_id, supplier_item_id)
                    SELECT 'p' || n, 'name ' || n, 1, now(), now() + n * interval '1 s', 'brand ' || n % 100, n, NULL,
                        'i' || n
                    FROM generate_series(1, 5000) n;
                    ANALYZE \(place.schema).products
                    """)
            // Of an empty table the index of those that are not deleted is the shortest.
            let watches = house.databases.tables[Table("watch_list")].schema + ".watch_list"
            try await house.databases.client(of: place.database).execute(
                script: """
                    ALTER TABLE \(watches) DISABLE TRIGGER USER;
                    INSERT INTO \(watches) (watch_id, user_id, product_id, version)
                    SELECT 'w' || n, gen_random_uuid(), 'p' || n % 100, 1 FROM generate_series(1, 2000) n;
                    ANALYZE \(watches)
                    """)
            for service in house.services {
                for case let resource as ResourceEndpoints in service.resources {
                    for plan in try await resource.listPlans() {
                        // The few rows of a filter may be sorted.
                        let isSorted = plan.contains("Sort") && !plan.contains("Index Cond")
                        #expect(!plan.contains("Seq Scan") && !isSorted, "\(resource.name)\n\(plan)")
                    }
                }
            }
        }
    }
}
