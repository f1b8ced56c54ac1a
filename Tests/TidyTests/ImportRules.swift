/// What the manifest cannot say of imports. Which of our modules each may import is its target list, and the build checks it.
enum Layers {
    /// The C libraries, each with its one client, and our own C with its one caller.
    static let cModules = [
        "CLibPQ": "Postgres", "CHiredis": "Redis", "CLibMongoC": "Mongo", "CRDKafka": "Kafka", "CRabbitMQ": "RabbitMQ",
        "CEmotionModel": "QuartetEmotion", "CBroker": "QuartetBroker", "CZlib": "Zlib",
    ]
    /// The broker for development is librdkafka's own.
    static let furtherCallers = ["CRDKafka": "QuartetStack"]
    static let withoutStores: Set = ["QuartetCore", "QuartetRoles", "QuartetCheck", "QuartetEmotion"]

    /// All that the domain, the roles and the checker may import: what speaks to no store.
    static let storeless: Set = [
        "Foundation", "Synchronization", "Logging", "Metrics", "CoreMetrics", "ServiceLifecycle", "ClientSupport",
        "QuartetCore", "QuartetRoles", "CEmotionModel",
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
                Example("Sources/QuartetStack/A.swift", "import CRDKafka", findings: 0),
                Example("Sources/QuartetStack/A.swift", "import CLibPQ"),
                Example("Sources/Postgres/A.swift", "import CLibPQ // import CHiredis", findings: 0),
            ]
        ) { file in
            imports(of: file) { module in
                Layers.cModules[module].map { $0 != file.module && Layers.furtherCallers[module] != file.module }
                    ?? false
            }
        },
        Rule(
            "the domain and the roles know no store",
            examples: [
                Example("Sources/QuartetRoles/Role.swift", "import NIOCore"),
                Example("Sources/QuartetCore/A.swift", "import Hummingbird\nimport Foundation"),
                Example("Sources/QuartetRoles/A.swift", "import Logging\nimport ServiceLifecycle", findings: 0),
            ]
        ) { file in
            guard let module = file.module, Layers.withoutStores.contains(module) else { return [] }
            return imports(of: file) { !Layers.storeless.contains($0) }
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
