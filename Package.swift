// swift-tools-version: 6.2
// The target list is the architecture diagram, in dependency order: C libraries, what clients share, one client per
// store, the domain (which imports no store), the domain's ports on the real stores, the roles, and the one place
// that composes them.
import PackageDescription

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let collections = product(name: "DequeModule", package: "swift-collections")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
    static let hummingbirdTesting = product(name: "HummingbirdTesting", package: "hummingbird")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
    static let logging = product(name: "Logging", package: "swift-log")
    static let metrics = product(name: "Metrics", package: "swift-metrics")
    static let coreMetrics = product(name: "CoreMetrics", package: "swift-metrics")
    static let nioFoundationCompat = product(name: "NIOFoundationCompat", package: "swift-nio")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
    static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let serviceLifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let yams = product(name: "Yams", package: "Yams")
}

extension Target {
    /// A service: its code in a folder of its name, with its SQL and the description of its calls under Resources.
    static func room(_ name: String, in folder: String? = nil, also: [Dependency] = []) -> Target {
        .target(
            name: name,
            dependencies: also + [
                "ClientSupport", "Postgres", "QuartetCore", "QuartetDatabases", "QuartetHTTP", "QuartetRoles",
                "ServiceSupport", .hummingbird, .httpTypes, .logging, .nioCore,
                .coreMetrics, .metrics, .serviceLifecycle,
            ],
            path: "Sources/Services/\(folder ?? name)", resources: [.embedInCode("Resources")])
    }
}

let package = Package(
    name: "quartet",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "quartet", targets: ["quartet"]),
        .executable(name: "quartet-broker", targets: ["QuartetBroker"]),
    ],
    // The oldest versions that have what the code uses, as far as they can be had together.
    dependencies: [
        // 1.5: groups of subcommands.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        // 1.3: what Hummingbird asks for, by way of swift-configuration.
        .package(url: "https://github.com/apple/swift-collections", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.6.0"),
        // From here to swift-nio-ssl: what Hummingbird asks for, by itself and by swift-nio-extras.
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.9.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.34.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.26.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.33.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.11.0"),
    ],
    targets: [
        // The C libraries: a module map and shim.h each, imported by exactly one client (and librdkafka by the stack, for the
        // broker that it carries).
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CLibMongoC", pkgConfig: "libmongoc-1.0", providers: [.apt(["libmongoc-dev"])]),
        .systemLibrary(name: "CRDKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),

        // What every client shares, and the clients.
        .target(name: "ClientSupport", dependencies: [.collections]),
        .target(
            name: "Postgres", dependencies: ["CLibPQ", "ClientSupport", .collections, .logging]),
        .target(
            name: "Redis",
            dependencies: ["CHiredis", "ClientSupport", .collections, .logging, .nioCore, .nioPosix, .nioSSL]),
        .target(
            name: "Mongo", dependencies: ["CLibMongoC", "ClientSupport", .collections, .logging]),
        .target(
            name: "Kafka", dependencies: ["CRDKafka", "ClientSupport", .collections, .logging]),
        .target(
            name: "RabbitMQ", dependencies: ["CRabbitMQ", "ClientSupport", .collections, .logging]),

        .target(name: "Zlib", dependencies: ["CZlib", .nioCore]),

        // The domain, which imports no store, and its ports on the real stores.
        .target(name: "QuartetCore", dependencies: ["ClientSupport", .coreMetrics, .logging, .metrics]),

        // The emotion model, trained by `quartet train`, inside the executable.
        .target(name: "CEmotionModel", exclude: ["emotion.model", "valences.txt"]),
        .target(
            name: "QuartetEmotion", dependencies: ["CEmotionModel", "QuartetCore", "ClientSupport"]),
        // The router: which table is in which database; and the schemas of the analysis pipeline.
        .target(
            name: "QuartetDatabases",
            dependencies: ["ClientSupport", "Postgres", .coreMetrics, .logging, .metrics]),
        .target(
            name: "QuartetMigrations", dependencies: ["QuartetDatabases", .logging], path: "infra/migrations",
            exclude: ["README.md"],
            resources: [
                .embedInCode("analysis"), .embedInCode("consistency"), .embedInCode("dead_letters"),
                .embedInCode("events"),
            ]),
        .target(
            name: "QuartetStores",
            dependencies: [
                "Kafka", "Mongo", "Postgres", "QuartetCore", "QuartetDatabases", "RabbitMQ", "Redis", "ClientSupport",
                .logging, .metrics,
            ],
            resources: [.embedInCode("Postgres/SQL")]),

        // The roles and the HTTP interface.
        .target(
            name: "QuartetHTTP",
            dependencies: [
                "QuartetCore", "Zlib", "ClientSupport", .coreMetrics, .hummingbird, .httpTypes, .logging, .metrics,
                .nioCore, .nioFoundationCompat, .nioHTTP1, .nioHTTPTypes,
            ]),
        .target(
            name: "QuartetAPI",
            dependencies: [
                "QuartetCore", "QuartetHTTP", "ClientSupport", .collections, .coreMetrics, .hummingbird,
                .hummingbirdCore,
                .httpTypes, .logging, .metrics, .nioCore, .nioFoundationCompat, .nioHTTP1, .nioHTTPTypes,
                .serviceLifecycle,
            ],
            resources: [.embedInCode("openapi.json")]),
        .target(
            name: "QuartetRoles",
            dependencies: ["QuartetCore", "ClientSupport", .coreMetrics, .logging, .metrics, .serviceLifecycle]),

        .target(
            name: "QuartetCheck",
            dependencies: [
                "ClientSupport", "QuartetCore", "QuartetRoles", .coreMetrics, .logging, .metrics, .serviceLifecycle,
            ]),

        // The shop's services: what they share, and a room each.
        .target(
            name: "ServiceSupport",
            dependencies: [
                "ClientSupport", "Postgres", "QuartetCore", "QuartetDatabases", "QuartetHTTP", "QuartetRoles",
                .coreMetrics, .hummingbird, .httpTypes, .logging, .metrics, .nioCore, .serviceLifecycle,
            ],
            resources: [.embedInCode("Sync/SQL")]),
        .room("Auth"),
        .room("My"),
        // What products are compared by is what the analyser reads in a text.
        .room("Catalog", also: ["QuartetEmotion"]),
        .room("Market"),
        .room("Suppliers"),
        // Not "System": what imports Apple's module of that name where it is would take this one for it.
        .room("SystemRoom", in: "System"),

        // Private local servers, the composition root, the executable.
        .target(
            name: "QuartetStack",
            dependencies: ["CRDKafka", "Mongo", "Postgres", "Redis", "ClientSupport", .logging]),
        // The endpoint that stands for Kafka, as a program: a storm must outlive it.
        .target(name: "CBroker"),
        .executableTarget(
            name: "QuartetBroker",
            dependencies: ["CBroker", "Mongo", "QuartetStack", .argumentParser, .logging, .unixSignals]),
        .target(
            name: "QuartetService",
            dependencies: [
                "Market",
                "Auth", "Catalog", "My", "QuartetAPI", "QuartetCheck", "QuartetCore", "QuartetDatabases",
                "QuartetEmotion", "QuartetHTTP", "QuartetMigrations", "QuartetRoles", "QuartetStores", "ServiceSupport",
                "Kafka", "Mongo", "Postgres", "RabbitMQ", "Redis", "ClientSupport", .asyncHTTPClient,
                "Suppliers",
                "SystemRoom",
                .coreMetrics,
                .logging, .metrics,
                .nioCore, .nioHTTP1, .serviceLifecycle, .unixSignals, .yams,
            ]),
        .target(
            name: "QuartetBench",
            dependencies: [
                "Market",
                "Catalog", "Kafka", "Mongo", "Postgres", "QuartetAPI", "QuartetCore", "QuartetDatabases",
                "QuartetEmotion", "QuartetMigrations", "QuartetRoles", "QuartetService", "QuartetStack",
                "QuartetStores", "Redis", "ClientSupport",
                .asyncHTTPClient, .logging, .nioCore, .nioHTTP1, .nioPosix,
            ]),
        .target(
            name: "QuartetChaos",
            dependencies: [
                "Catalog", "Kafka", "Mongo", "Postgres", "QuartetCore", "QuartetDatabases", "QuartetMigrations",
                "QuartetService", "QuartetStack", "QuartetStores", "RabbitMQ", "ClientSupport",
                .asyncHTTPClient, .logging, .nioCore, .nioHTTP1, .nioPosix,
            ]),
        .executableTarget(
            name: "quartet",
            dependencies: [
                "QuartetAPI", "QuartetBench", "QuartetChaos", "QuartetCheck", "QuartetCore", "QuartetEmotion",
                "QuartetRoles", "QuartetService", "QuartetStack", "ClientSupport", "Mongo",
                "Market", "ServiceSupport",
                "QuartetDatabases",
                .argumentParser,
                .asyncHTTPClient,
                .coreMetrics, .logging, .nioCore, .nioFoundationCompat, .nioHTTP1, .serviceLifecycle, .unixSignals,
            ]),

        // Fakes, the manual clock and one conformance suite per port; no production target imports it.
        .target(
            name: "QuartetTesting",
            dependencies: ["QuartetCore", "QuartetStack", "ClientSupport", .logging]),

        .testTarget(name: "TidyTests"),
        .testTarget(name: "ClientSupportTests", dependencies: ["QuartetTesting", "ClientSupport"]),
        .testTarget(
            name: "KafkaTests", dependencies: ["Kafka", "QuartetStack", "QuartetTesting", "ClientSupport", .logging]),
        .testTarget(
            name: "RabbitMQTests",
            dependencies: ["RabbitMQ", "QuartetStack", "QuartetTesting", "ClientSupport", .logging]),
        .testTarget(
            name: "MongoTests", dependencies: ["Mongo", "QuartetStack", "QuartetTesting", "ClientSupport", .logging]),
        .testTarget(
            name: "PostgresTests",
            dependencies: ["Postgres", "QuartetStack", "QuartetTesting", "ClientSupport", .logging]),
        .testTarget(
            name: "QuartetStoresTests",
            dependencies: [
                "Market",
                "Catalog", "Kafka", "Mongo", "Postgres", "QuartetCore", "QuartetDatabases", "QuartetMigrations",
                "QuartetRoles", "QuartetStack", "QuartetStores", "QuartetTesting", "RabbitMQ", "Redis", "ClientSupport",
                .logging,
            ]),
        .testTarget(
            name: "QuartetChaosTests",
            dependencies: [
                "Kafka", "Mongo", "QuartetChaos", "QuartetCore", "QuartetStack", "QuartetTesting", "ClientSupport",
                .logging, .nioCore, .nioEmbedded, .nioPosix,
            ]),
        .testTarget(name: "QuartetCoreTests", dependencies: ["QuartetCore", "QuartetTesting"]),
        .testTarget(
            name: "QuartetEmotionTests",
            dependencies: ["QuartetCore", "QuartetEmotion", "QuartetStack", "QuartetTesting", "ClientSupport"]),
        .testTarget(
            name: "QuartetStackTests",
            dependencies: [
                "Kafka", "Mongo", "QuartetStack", "QuartetTesting", "ClientSupport", .logging,
            ]),
        .testTarget(
            name: "RedisTests",
            dependencies: ["QuartetStack", "QuartetTesting", "Redis", "ClientSupport", .logging, .nioCore, .nioPosix]),
        .testTarget(
            name: "QuartetRolesTests",
            dependencies: ["QuartetCore", "QuartetRoles", "QuartetTesting", "ClientSupport", .logging]),
        .testTarget(
            name: "QuartetCheckTests",
            dependencies: ["ClientSupport", "QuartetCheck", "QuartetCore", "QuartetRoles", "QuartetTesting", .logging]),
        .testTarget(
            name: "QuartetAPITests",
            dependencies: [
                "QuartetAPI", "QuartetCore", "QuartetHTTP", "QuartetTesting", "Zlib", "ClientSupport", .hummingbird,
                .hummingbirdTesting,
                .httpTypes, .logging, .nioCore, .nioEmbedded, .nioHTTPTypes, .nioPosix, .serviceLifecycle,
            ]),
        .testTarget(
            name: "QuartetServiceTests",
            dependencies: [
                "Market",
                "Kafka", "QuartetAPI", "QuartetCore", "QuartetDatabases", "QuartetEmotion", "QuartetMigrations",
                "QuartetRoles", "QuartetService", "QuartetStack", "QuartetStores", "QuartetTesting", "ClientSupport",
                .coreMetrics,
                .logging, .nioCore, .nioHTTP1, .nioPosix,
            ]),

        .testTarget(
            name: "ServicesTests",
            dependencies: [
                "Kafka", "Market", "QuartetStores",
                "Auth", "Catalog", "ClientSupport", "My", "Postgres", "QuartetAPI", "QuartetCore", "QuartetDatabases",
                "QuartetMigrations", "QuartetRoles", "QuartetService", "QuartetStack", "QuartetTesting",
                "ServiceSupport", "Zlib", .hummingbird, .hummingbirdTesting, .httpTypes, .logging, .nioCore,
                "Suppliers", "SystemTesting", "quartet", .serviceLifecycle,
                "SystemRoom",
            ]),

        // Every decoder that meets bytes of others.
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "Kafka", "Market", "Mongo", "Postgres", "QuartetAPI", "QuartetCore", "QuartetEmotion", "QuartetHTTP",
                "QuartetService", "QuartetStores", "QuartetTesting", "RabbitMQ", "Redis", "ServiceSupport", "Suppliers",
                "Zlib", .httpTypes, .nioCore,
            ]),

        // The whole of it, from outside: the executable on private servers.
        .target(
            name: "SystemTesting",
            dependencies: [
                "Kafka", "Mongo", "QuartetCore", "QuartetStack", "QuartetTesting", "ClientSupport", .asyncHTTPClient,
                .logging, .nioCore, .nioFoundationCompat, .nioHTTP1,
            ],
            path: "Tests/SystemTesting"),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Kafka", "QuartetCore", "QuartetStack", "QuartetTesting", "ClientSupport", "SystemTesting", .logging,
                "quartet",
            ]),
        .testTarget(
            name: "CheckTests",
            dependencies: [
                "Mongo", "Postgres", "QuartetCore", "QuartetStack", "QuartetStores", "QuartetTesting", "ClientSupport",
                "SystemTesting", .logging, "quartet",
            ]),
        .testTarget(
            name: "FaultTests",
            dependencies: [
                "Kafka", "Mongo", "QuartetCore", "QuartetStack", "QuartetTesting", "ClientSupport",
                "SystemTesting", "quartet",
            ],
            exclude: ["FINDINGS.md"]),
    ]
)

for target in package.targets where [.regular, .executable, .test].contains(target.type) {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ]
}
