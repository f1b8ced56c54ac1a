extension Rule {
    static let linesMax = 400

    /// What files and types look like.
    static let shapeRules = [
        Rule(
            "a file has \(linesMax) lines at most",
            examples: [
                Example("Sources/Redis/A.swift", String(repeating: "\n", count: linesMax + 1)),
                Example("Sources/Redis/A.swift", String(repeating: "\n", count: linesMax), findings: 0),
            ]
        ) { file in
            guard file.isSwift else { return [] }
            let lines = file.text.utf8.count { $0 == UInt8(ascii: "\n") }
            return lines > linesMax ? [file.finding(line: lines, "\(lines) lines")] : []
        },
        Rule(
            "no type has its module's name",
            examples: [
                Example("Sources/Redis/A.swift", "package final class Redis {}"),
                Example("Sources/Mongo/A.swift", "typealias Mongo = Int"),
                Example("Sources/Redis/A.swift", "package struct RedisClient {}\nstruct Mongo {}", findings: 0),
            ]
        ) { file in
            guard let module = file.module else { return [] }
            return ["struct", "class", "enum", "actor", "protocol", "typealias"]
                .flatMap { file.swift.lines(of: [$0, module]) }.map { file.finding(line: $0, module) }
        },
        Rule(
            "every failpoint is reached at one place",
            examples: [
                Example(failpointFile, #"enum Failpoint: String { case a = "a" }"#),
                Example(failpointFile, "enum Failpoint: String { case a, b }\nFailpoint.b.reached()", findings: 2),
                Example("Sources/QuartetRoles/A.swift", "Failpoint.b.reached()"),
                Example("Sources/QuartetRoles/A.swift", "let a = 1", findings: 0),
            ]
        ) { files in
            let defined = files.filter { $0.path == failpointFile }.flatMap(failpoints(in:))
            let reached = files.filter { !$0.isTest && $0.path != failpointFile }.flatMap(reachedFailpoints(in:))
            let unreached = defined.filter { point in reached.count { $0.message == point.message } != 1 }
            return unreached + reached.filter { point in !defined.contains { $0.message == point.message } }
        },
    ]

    private static let failpointFile = "Sources/QuartetCore/Failpoints/Failpoint.swift"

    private static func failpoints(in file: SourceFile) -> [Finding] {
        let tokens = file.swift.tokens
        return file.swift.places(of: ["case"]).flatMap { place -> [Finding] in
            let line = tokens[place].line
            return tokens[(place + 1)...].prefix { $0.line == line && $0.text != "}" }
                .filter { $0.kind == .word }.map { file.finding(line: line, $0.text) }
        }
    }

    private static func reachedFailpoints(in file: SourceFile) -> [Finding] {
        let tokens = file.swift.tokens
        return file.swift.places(of: ["Failpoint", "."]).compactMap { place in
            let rest = tokens[(place + 2)...].prefix(5).map(\.text)
            guard rest.count == 5, Array(rest[1...]) == [".", "reached", "(", ")"] else { return nil }
            return file.finding(line: tokens[place].line, rest[0])
        }
    }
}
