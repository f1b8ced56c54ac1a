/// Which of our modules each may import: the architecture.
enum Layers {
    /// The C libraries, each with its one client, and our own C with its one caller.
    static let cModules = [
        "CLibPQ": "Postgres", "CHiredis": "Redis", "CLibMongoC": "Mongo", "CRDKafka": "Kafka",
        "CEmotionModel": "QuartetEmotion", "CBrokerPort": "QuartetBroker",
    ]
    static let clients: Set = ["Postgres", "Redis", "Mongo", "Kafka"]

    static let own: [String: Set<String>] = [
        "CLibPQ": [], "CHiredis": [], "CLibMongoC": [], "CRDKafka": [], "CEmotionModel": [],
        "CBrokerPort": [],
        "StoreKit": [],
        "Postgres": ["CLibPQ", "StoreKit"],
        "Redis": ["CHiredis", "StoreKit"],
        "Mongo": ["CLibMongoC", "StoreKit"],
        "Kafka": ["CRDKafka", "StoreKit"],
        "QuartetCore": ["StoreKit"],
        "QuartetEmotion": ["CEmotionModel", "QuartetCore", "StoreKit"],
        "QuartetMigrations": [],
        "QuartetStores": clients.union(["QuartetCore", "QuartetMigrations", "StoreKit"]),
        "QuartetAPI": ["QuartetCore", "StoreKit"],
        "QuartetRoles": ["QuartetCore", "StoreKit"],
        "QuartetStack": ["Kafka", "Mongo", "StoreKit"],
        "QuartetBroker": ["CBrokerPort", "Kafka"],
        "QuartetService": clients.union([
            "QuartetAPI", "QuartetCore", "QuartetEmotion", "QuartetMigrations", "QuartetRoles", "QuartetStores",
            "StoreKit",
        ]),
        "QuartetBench": clients.union([
            "QuartetCore", "QuartetEmotion", "QuartetMigrations", "QuartetService", "QuartetStack", "QuartetStores",
            "StoreKit",
        ]),
        "QuartetChaos": [
            "Kafka", "Mongo", "Postgres", "QuartetCore", "QuartetService", "QuartetStack", "QuartetStores", "StoreKit",
        ],
        "quartet": [
            "QuartetAPI", "QuartetBench", "QuartetChaos", "QuartetCore", "QuartetEmotion", "QuartetRoles",
            "QuartetService", "QuartetStack",
        ],
        "QuartetTesting": ["QuartetCore", "QuartetStack", "StoreKit"],
    ]

    /// What the domain and the roles may import beside our own modules: what speaks to no store.
    static let storeless: Set = [
        "Foundation", "Synchronization", "Logging", "Metrics", "CoreMetrics", "ServiceLifecycle",
    ]
}

extension Rule {
    static let importRules = [
        Rule(
            "a C library is imported by its one client alone",
            examples: [
                Example("Sources/QuartetStores/A.swift", "internal import CLibPQ"),
                Example("Sources/Redis/A.swift", "import CRDKafka"),
                Example("Tests/PostgresTests/A.swift", "import CLibPQ"),
                Example("Sources/Postgres/A.swift", "import CLibPQ // import CHiredis", findings: 0),
            ]
        ) { file in
            imports(of: file) { module in
                Layers.cModules[module].map { $0 != file.module } ?? false
            }
        },
        Rule(
            "a module imports what its layer may",
            examples: [
                Example("Sources/Redis/A.swift", "package import Postgres"),
                Example("Sources/Kafka/A.swift", "import struct QuartetCore.RequestID"),
                Example("Sources/QuartetRoles/Worker/A.swift", "import QuartetStores"),
                Example("Sources/QuartetCore/A.swift", "import Mongo\nimport StoreKit"),
                Example("Sources/QuartetService/A.swift", "import Kafka\nimport QuartetAPI", findings: 0),
                Example("Sources/NoSuchModule/A.swift", "let a = 1"),
            ]
        ) { file in
            guard !file.isTest, let module = file.module else { return [] }
            guard let allowed = Layers.own[module] else {
                return [file.finding(line: 1, "\(module) has no place in the layers")]
            }
            return imports(of: file) { Layers.own[$0] != nil && !allowed.contains($0) }
        },
        Rule(
            "the domain and the roles know no store",
            examples: [
                Example("Sources/QuartetRoles/Role.swift", "import NIOCore"),
                Example("Sources/QuartetCore/A.swift", "import Hummingbird\nimport Foundation"),
                Example("Sources/QuartetRoles/A.swift", "import Logging\nimport ServiceLifecycle", findings: 0),
            ]
        ) { file in
            guard let module = file.module, ["QuartetCore", "QuartetRoles", "QuartetEmotion"].contains(module) else {
                return []
            }
            return imports(of: file) { Layers.own[$0] == nil && !Layers.storeless.contains($0) }
        },
        Rule(
            "what is for tests is imported by tests alone",
            examples: [
                Example("Sources/QuartetService/A.swift", "import QuartetTesting"),
                Example("Sources/quartet/A.swift", "@testable import QuartetStack\nimport Testing", findings: 2),
                Example("Sources/QuartetTesting/A.swift", "import Testing", findings: 0),
                Example("Tests/QuartetRolesTests/A.swift", "import QuartetTesting\nimport Testing", findings: 0),
            ]
        ) { file in
            guard !file.isTest, file.module != "QuartetTesting" else { return [] }
            let testable = file.swift.lines(of: ["@", "testable"]).map { file.finding(line: $0, "@testable") }
            return testable + imports(of: file) { ["QuartetTesting", "Testing", "XCTest"].contains($0) }
        },
    ]

    private static func imports(of file: SourceFile, where isWrong: (String) -> Bool) -> [Finding] {
        file.swift.imports.filter { isWrong($0.module) }.map { file.finding(line: $0.line, "imports \($0.module)") }
    }
}
