/// Services keep to themselves.
extension Rule {
    static let serviceRules = [
        Rule(
            "a service imports no other one",
            examples: [
                Example("Sources/Services/My/A.swift", "import Auth"),
                Example("Sources/Services/My/A.swift", "import ServiceSupport", findings: 0),
                Example("Sources/QuartetService/A.swift", "import Auth", findings: 0),
            ]
        ) { file in
            guard let service = file.service else { return [] }
            let others: Set = ["Auth", "Catalog", "Market", "My", "Suppliers", "SystemRoom"]
            return file.swift.imports.filter { others.contains($0.module) && $0.module != service }
                .map { file.finding(line: $0.line, "imports \($0.module)") }
        },
        Rule(
            "a service's SQL names tables by placeholder, and its own only",
            examples: [
                Example("Sources/Services/My/Resources/a.sql", "SELECT 1 FROM auth.users;"),
                Example(
                    "Sources/Services/My/Resources/a.sql", "SELECT u.name FROM {users_view} u -- auth.users",
                    findings: 0),
                Example("infra/migrations/events/a.sql", "SELECT 1 FROM auth.users", findings: 0),
            ]
        ) { files in
            let sql = files.filter { $0.service != nil && $0.path.hasSuffix(".sql") }
            let owners = sql.reduce(into: [String: String]()) { owners, file in
                for table in created(in: file) { owners[table] = file.service }
            }
            return sql.flatMap { file in
                lines(of: file).flatMap { number, line in
                    strangers(in: line, owners: owners, service: file.service ?? "")
                        .map { file.finding(line: number, $0) }
                }
            }
        },
        Rule(
            "a migration makes no index on a table that has rows already, and rewrites none, while it locks it",
            examples: [
                Example("Sources/Services/My/Resources/0002_a.sql", "CREATE INDEX a ON {watch_list} (b);"),
                Example(
                    "Sources/Services/My/Resources/0002_a.sql",
                    "ALTER TABLE {watch_list}\n    ADD COLUMN c int GENERATED ALWAYS AS (b) STORED;"),
                Example(
                    "Sources/Services/My/Resources/0002_a.sql", "ALTER TABLE {watch_list} ALTER COLUMN b TYPE text;"),
                Example(
                    "Sources/Services/My/Resources/0002_a.sql", "ALTER TABLE {watch_list} ADD COLUMN c int;",
                    findings: 0),
                Example(
                    "Sources/Services/My/Resources/0002_a.sql",
                    "-- outside a transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a ON {watch_list} (b);",
                    findings: 0),
                Example(
                    "Sources/Services/My/Resources/0002_a.sql", "CREATE TABLE {b} (c int);\nCREATE INDEX a ON {b} (c);",
                    findings: 0),
            ]
        ) { file in
            guard file.path.contains(/(^infra\/migrations|\/Resources)\/.*\d{4}_\w+\.sql$/),
                !locking.contains(file.path),
                !file.text.hasPrefix("-- outside a transaction")
            else { return [] }
            let made = Set(created(in: file))
            let sql = lines(of: file).map { String($0.1) }.joined(separator: "\n")
            let built = sql.matches(of: /CREATE (?:UNIQUE )?INDEX \w+ ON \{(\w+)\}/).map { String($0.1) }
            let rewritten = sql.matches(of: /ALTER TABLE \{(\w+)\}([^;]*)/)
                .filter { $0.2.contains(/\bSTORED\b|\bALTER COLUMN \w+ (SET DATA )?TYPE\b/) }.map { String($0.1) }
            return (built + rewritten).filter { !made.contains($0) }
                .map { file.finding(line: 1, "locks \($0) for as long as its rows take") }
        },
    ]

    /// From before there were rows to wait for.
    private static let locking: Set = [
        "Sources/Services/Auth/Resources/0002_user_turns.sql", "Sources/Services/Catalog/Resources/0002_catalog.sql",
        "Sources/Services/Catalog/Resources/0003_product_turns.sql",
        "Sources/Services/Market/Resources/0004_market_sync.sql", "Sources/Services/My/Resources/0002_projections.sql",
        "infra/migrations/analysis/0001_analysis.sql",
    ]

    private static let schemas = [
        "analysis", "auth", "catalog", "events", "market", "my", "public", "suppliers", "system",
    ]

    /// Lines without remarks.
    private static func lines(of file: SourceFile) -> [(Int, Substring)] {
        file.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map { offset, line in
            (offset + 1, line.firstRange(of: "--").map { line[..<$0.lowerBound] } ?? line)
        }
    }

    private static func created(in file: SourceFile) -> [String] {
        lines(of: file).flatMap { $0.1.matches(of: /CREATE TABLE \{(\w+)\}/).map { String($0.1) } }
    }

    private static func strangers(in line: Substring, owners: [String: String], service: String) -> [String] {
        let named = line.matches(of: /\{(\w+)\}/).map { String($0.1) }.filter {
            owners[$0].map { $0 != service } ?? false
        }
        // Names of events look alike, in quotes.
        let words = line.replacing(/'[^']*'/, with: "").split { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "." }
        return named + words.filter { word in schemas.contains { word.hasPrefix("\($0).") } }.map(String.init)
    }
}
