import Catalog
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Postgres
import QuartetAPI
import QuartetDatabases
import QuartetMigrations
import QuartetStack
import QuartetTesting
import ServiceSupport
import SystemRoom
import Testing

@testable import QuartetService

/// How the services' schemas are spread over databases.
enum Layout: String, CaseIterable, CustomTestStringConvertible {
    case threeDatabases, oneDatabase, databasePerService

    var testDescription: String { rawValue }

    /// The databases by their names in the configuration.
    func names(_ unique: (String) -> String) -> [String: String] {
        let names = ["source", "dropship", "market"] + (self == .databasePerService ? ["auth", "my"] : [])
        let only = unique("only")
        return Dictionary(uniqueKeysWithValues: names.map { ($0, self == .oneDatabase ? only : unique($0)) })
    }

    /// What the configuration says beyond the URLs.
    var settings: [String: String] {
        guard self == .databasePerService else { return [:] }
        var settings = ["DB_NAMES": "source, dropship, market, auth, my"]
        for service in ["auth", "my"] {
            let tables = HouseServices.all.filter { $0.schema.name == service }.flatMap { $0.schema.tables }
            for table in tables { settings["TABLES_\(table.rawValue.uppercased())_DATABASE"] = service }
        }
        return settings
    }
}

/// The services on a real PostgreSQL, each with a role that has rights in its own schema alone.
struct House {
    private static let server = Task {
        try await TestStack.privatePostgres(security: TestStack.options.security)
    }
    private static let vectorServer = Task {
        try await TestStack.vectorPostgres(security: TestStack.options.security)
    }
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let clients: StoreClients
    let services: [any ShopService]
    /// What the service `system` changes.
    let live: LiveConfiguration
    let client: any TestClientProtocol

    var databases: Databases { clients.databases }

    /// Runs `body` with a house that nobody else uses.
    ///
    /// - Parameter hasVectors: whether on a server that has pgvector.
    static func open(
        _ layout: Layout, hasVectors: Bool = false, _ body: @escaping @Sendable (House) async throws -> Void
    ) async throws {
        let server = try await (hasVectors ? vectorServer : server).value
        let names = layout.names { TestStack.uniqueName("shop_\($0)") }
        var settings = layout.settings
        // Many houses are on one server.
        settings["DB_CONNECTIONS_MAX"] = "4"
        for (name, database) in names {
            settings["\(name.uppercased())_DATABASE_URL"] = server.url(database: database)
        }
        for service in HouseServices.all {
            let name = service.schema.name
            settings["SERVICES_\(name.uppercased())_CONNECTIONS_MAX"] = "2"
            settings["SERVICES_\(name.uppercased())_ROLE"] =
                TestStack.isSecured
                ? StackSecurity.role(of: name) : String(TestStack.uniqueName("role_\(name)").prefix(48))
        }
        for name in Set(names.values) { try await server.makeDatabase(name) }
        if hasVectors, TestStack.isSecured, let dropship = names["dropship"] {
            // A user without all rights may not make it.
            try await administer(server, ["CREATE EXTENSION vector"], in: dropship)
        }
        let configuration = try QuartetConfiguration.load(
            path: nil, environment: settings.merging(["QUARTET_API_KEY": "the key"]) { $1 })
        let clients = try StoreClients(configuration, role: "test", logger: logger)
        let outcome: Result<Void, any Error>
        do {
            let roles = configuration.services.mapValues(\.role)
            try await Migrator(databases: clients.databases, roles: roles, logger: logger).migrate()
            let live = try LiveConfiguration(configuration, logger: logger)
            let services = try HouseServices.make(clients.databases, settings: live)
            let api = try Self.server(services, clients, live)
            try await api.testable.test(.router) { client in
                try await body(House(clients: clients, services: services, live: live, client: client))
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await clients.close()
        try await administer(server, Set(names.values).map { "DROP DATABASE \($0) WITH (FORCE)" })
        try outcome.get()
    }

    /// The services' calls beside those of the analyses, which are on fakes but for products.
    static func server(
        _ services: [any ShopService], _ clients: StoreClients, _ live: LiveConfiguration? = nil
    ) throws -> APIServer {
        let store = FakeAgingCacheStore()
        let aging = services.flatMap(\.agingRows).map { AgingCache(source: $0, store: store) }
        return APIServer(
            configuration: APIConfiguration(key: "the key"), live: live?.part(\.api),
            keys: services.lazy.compactMap { $0 as? SystemService }.first?.keys,
            ports: APIPorts(
                requests: FakeRequestStore(database: FakeDatabase()), queue: FakeTaskQueue(),
                products: try PostgresProductStore(databases: clients.databases), reviews: FakeReviewStore(),
                sessions: FakeSessionStore(), cards: FakeCardStore(), keywords: FakeKeywordStore(),
                progress: FakeProgressBoard(), cache: FakeVersionedCache()),
            services: services.map(\.calls) + aging.map(\.calls), probes: clients.probes(publishing: false),
            logger: logger)
    }

    private static func administer(
        _ server: PostgresServer, _ scripts: [String], in database: String = "postgres"
    ) async throws {
        let url = server.adminURL(database: database)
        let client = PostgresClient(try PostgresConfiguration(url: url), logger: logger)
        for script in scripts { try await client.execute(script: script) }
        await client.close()
    }

    /// Runs `body` with another database of the server, which `script` has filled.
    func withLegacyDatabase(
        _ script: String, _ body: (PostgresClient, _ url: String) async throws -> Void
    ) async throws {
        let server = try await Self.server.value
        let name = TestStack.uniqueName("legacy")
        try await server.makeDatabase(name)
        let url = server.url(database: name)
        let client = PostgresClient(try PostgresConfiguration(url: url), logger: Self.logger)
        let outcome: Result<Void, any Error>
        do {
            try await client.execute(script: script)
            try await body(client, url)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await client.close()
        try await Self.administer(server, ["DROP DATABASE \(name) WITH (FORCE)"])
        try outcome.get()
    }

    // MARK: Calls

    struct Answer {
        let status: Int
        let headers: HTTPFields
        let text: String

        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) ?? [:]
        }

        var tag: String { headers[.eTag] ?? "" }
        var detail: String { json["detail"] as? String ?? "" }

        /// The ids of a list.
        func ids(_ name: String) -> [String] {
            (json[name] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
        }
    }

    func call(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, _ headers: [HTTPField.Name: String] = [:]
    ) async throws -> Answer {
        try await call(method, path, bytes: body.map { ByteBuffer(string: $0) }, headers)
    }

    func call(
        _ method: HTTPRequest.Method, _ path: String, bytes: ByteBuffer?, _ headers: [HTTPField.Name: String] = [:]
    ) async throws -> Answer {
        var fields: HTTPFields = [.contentType: "application/json", .authorization: "Bearer the key"]
        for (name, value) in headers { fields[name] = value }
        let response = try await client.executeRequest(uri: path, method: method, headers: fields, body: bytes)
        return Answer(status: response.status.code, headers: response.headers, text: String(buffer: response.body))
    }

    /// The events of a database, oldest first, as "type id version".
    func events(of table: Table) async throws -> [String] {
        let database = databases.tables[table].database
        let outbox = databases.tables[.outbox, in: database].schema
        let rows = try await databases.client(of: database).query(
            PostgresStatement("SELECT type, aggregate_id FROM \(outbox).outbox ORDER BY id"))
        return try rows.map { row in
            let (type, id) = try row.decode(String.self, String.self)
            return "\(type) \(id)"
        }
    }
}
