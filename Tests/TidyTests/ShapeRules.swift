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
    ]
}
