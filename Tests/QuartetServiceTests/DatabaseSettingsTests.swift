import Kafka
import Logging
import Postgres
import QuartetDatabases
import QuartetMigrations
import QuartetStores
import Testing

@testable import QuartetService

@Suite struct DatabaseSettingsTests {
    @Test func aServerOfOnesOwnHasADatabasePerName() throws {
        let databases = try loaded(["DB_HOST": "db.example", "DB_PORT": "6000", "DB_USER": "shop"]).databases
        #expect(databases.url(of: .source) == "postgresql://shop@db.example:6000/source")
        #expect(databases.url(of: .market) == "postgresql://shop@db.example:6000/market")
    }

    @Test(arguments: [
        ("::1", "a@b", "[::1]", "a%40b"), ("/run/postgresql", "a:b", "%2Frun%2Fpostgresql", "a%3Ab"),
        ("[::1]", "shop", "[::1]", "shop"), ("db1,db2", "사람", "db1,db2", "%EC%82%AC%EB%9E%8C"),
    ])
    func partsOfAURLAreEscaped(_ host: String, _ user: String, _ hostInURL: String, _ userInURL: String) throws {
        let databases = try loaded(["DB_HOST": host, "DB_USER": user, "DB_PASSWORD": "p/q"]).databases
        #expect(databases.url(of: .source) == "postgresql://\(userInURL):p%2Fq@\(hostInURL):5432/source")
    }

    @Test func amazonWantsTLS() throws {
        let databases = try loaded(["DB_TYPE": "rds", "DB_HOST": "db.example", "DB_PASSWORD": "p"]).databases
        #expect(databases.url(of: .dropship) == "postgresql://postgres:p@db.example:5432/dropship?sslmode=require")
        #expect(try refusal(environment: ["DB_TYPE": "rds"]).key == "db.host")
    }

    /// As the pages that say how to connect show them.
    @Test(arguments: [
        ([:], "postgres:p@db.abcd.supabase.co:5432", PostgresPooling.auto),
        (["DB_HOST": "db.abcd.supabase.co", "DB_PORT": "6543"], "postgres:p@db.abcd.supabase.co:6543", .auto),
        (["DB_HOST": "aws-0-eu.pooler.supabase.com"], "postgres.abcd:p@aws-0-eu.pooler.supabase.com:5432", .session),
        (
            ["DB_HOST": "aws-0-eu.pooler.supabase.com", "DB_PORT": "6543", "DB_USER": "postgres.abcd"],
            "postgres.abcd:p@aws-0-eu.pooler.supabase.com:6543", .auto
        ),
        (["DB_HOST": "127.0.0.1", "DB_USER": "shop"], "shop.abcd:p@127.0.0.1:5432", .session),
    ])
    func supabasesPoolerIsToldTheProjectByTheUser(
        _ settings: [String: String], _ place: String, _ pooling: PostgresPooling
    ) throws {
        let usual = ["DB_TYPE": "supabase", "DB_PROJECT": "abcd", "DB_PASSWORD": "p"]
        let databases = try loaded(usual.merging(settings) { $1 }).databases
        #expect(databases.url(of: .dropship) == "postgresql://\(place)/postgres?sslmode=require")
        #expect(databases.pooling(of: .dropship) == pooling)
    }

    @Test func supabaseWithoutItsProjectIsRefusedUnlessEveryURLIsGiven() throws {
        #expect(try refusal(environment: ["DB_TYPE": "supabase"]).key == "db.project")
        let given = Dictionary(
            uniqueKeysWithValues: DatabaseName.usual.map {
                ("\($0.rawValue.uppercased())_DATABASE_URL", "postgresql://a@b/\($0.rawValue)")
            })
        #expect(throws: Never.self) { try loaded(given.merging(["DB_TYPE": "supabase"]) { $1 }) }
    }

    @Test func aGivenURLWins() throws {
        let url = "postgresql://a:b@c:1/d"
        let databases = try loaded(["DROPSHIP_DATABASE_URL": url, "DB_TYPE": "rds", "DB_HOST": "db.example"]).databases
        #expect(databases.url(of: .dropship) == url)
        #expect(databases.url(of: .source).hasSuffix("/source?sslmode=require"))
    }

    @Test func aPasswordsSignsAreEscapedSoThatTheURLMeansThem() throws {
        let databases = try loaded(["DB_PASSWORD": "a/b@c:d?\né"]).databases
        let url = databases.url(of: .source)
        #expect(url == "postgresql://quartet:a%2Fb%40c%3Ad%3F%0A%C3%A9@127.0.0.1:5432/source")
        #expect(throws: Never.self) { try Databases.configuration(url: url) }
    }

    @Test func aTableCanBePutElsewhere() throws {
        let configuration = try loaded(["TABLES_DEAD_LETTERS_SCHEMA": "shop", "TABLES_DEAD_LETTERS_DATABASE": "source"])
        #expect(configuration.tables[Table("dead_letters")].database == .source)
        #expect(configuration.tables[Table("dead_letters")].schema == "shop")
        #expect(configuration.tables[.analysisRequests] == HouseServices.tables[.analysisRequests])
    }

    @Test(arguments: [
        ("TABLES_PRODUCTS_DATABASE", "warehouse"), ("TABLES_PRODUCTS_SCHEMA", "a b"), ("TABLES_PRODUCTS_SCHEMA", "A"),
        ("TABLES_PRODUCTS_SCHEMA", "1a"),
    ])
    func anImpossiblePlaceOfATableIsRefused(_ name: String, _ value: String) throws {
        let error = try refusal(environment: [name: value])
        #expect(error.key == "tables.products")
        #expect(error.problem.contains(value))
    }
}

@Suite struct StoreClientsTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Each key of a URL, and what is no URL there.
    @Test(arguments: [
        ("SOURCE_DATABASE_URL", "source.database.url", "postgresql://u:hunter2@[h/d"),
        ("DROPSHIP_DATABASE_URL", "dropship.database.url", "postgresql://u:hunter2@h/d?no_such_option=1"),
        ("REDIS_URL", "redis.url", "redis://u:hunter2@h:port/0"),
        ("REDIS_URL", "redis.url", "mysql://u:hunter2@h/0"),
        ("MONGODB_URL", "mongodb.url", "mongo://u:hunter2@h/d"),
        ("MONGODB_URL", "mongodb.url", "mongodb://u:hunter2@h:port/d"),
    ])
    func aURLThatCannotBeUsedIsRefusedByItsKeyWithoutItsSecret(
        _ name: String, _ key: String, _ url: String
    ) throws {
        let configuration = try loaded([name: url])
        let error = try #require(throws: ConfigurationError.self) {
            _ = try StoreClients(configuration, role: "test", logger: logger)
        }
        #expect(error.key == key)
        #expect(!error.description.contains("hunter2"))
        #expect(!error.description.contains("\n"))
    }

    @Test func brokersMayBeSeparatedByBlanks() async throws {
        let clients = try StoreClients(try loaded(["KAFKA_BROKERS": "a:1, b:2"]), role: "test", logger: logger)
        #expect(clients.kafka.brokers == ["a:1", "b:2"])
        await clients.close()
    }

    @Test func aSecureKafkaIsToldHow() throws {
        let settings = try loaded([
            "KAFKA_SECURITY": "sasl_tls", "KAFKA_USERNAME": "u", "KAFKA_PASSWORD": "p",
        ]).kafka
        #expect(
            settings.securityProperties == [
                "security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": "u",
                "sasl.password": "p",
            ])
        #expect(try loaded(["KAFKA_SECURITY": "tls"]).kafka.securityProperties == ["security.protocol": "ssl"])
        let certificate = try loaded([
            "KAFKA_SECURITY": "tls", "KAFKA_CA_FILE": "ca", "KAFKA_CERTIFICATE_FILE": "own", "KAFKA_KEY_FILE": "key",
        ]).kafka
        #expect(
            certificate.securityProperties == [
                "security.protocol": "ssl", "ssl.ca.location": "ca", "ssl.certificate.location": "own",
                "ssl.key.location": "key",
            ])
        #expect(try loaded([:]).kafka.securityProperties.isEmpty)
    }

    @Test func serveWithoutAKeyIsRefusedBeforeAnyStoreIsAsked() async throws {
        // Port 9 discards: a store that was asked would be waited for.
        let configuration = try loaded(["DB_PORT": "9", "DB_CONNECT_TIMEOUT": "1h"])
        let composition = try Composition(configuration, role: "test", metrics: MetricsRegistry(), logger: logger)
        let error = await #expect(throws: ConfigurationError.self) { try await composition.run([.serve]) }
        #expect(error?.key == "quartet.api.key")
    }
}
