/// Where a process can be made to die, held against where it writes.
extension Rule {
    static let failpointRules = [
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
        Rule(
            "every store write of the pipeline is followed by a failpoint",
            examples: [
                Example(portFile, "\(write)\ntry await queue.enqueue(tasks)"),
                Example(portFile, "\(write)\nasync let stored = steps.enqueue(tasks)"),
                Example(portFile, "\(write)\nawait a.enqueue(b)\nawait a.enqueue(c)\nFailpoint.a.reached()"),
                Example(portFile, "\(write)\nawait a.enqueue(b)\nFailpoint.a.reached()", findings: 0),
                Example(portFile, "\(write)\ntasks.enqueue(b)", findings: 0),
                Example(portFile, "\(write)\nawait group.reduce { $0.enqueue(b) }", findings: 0),
                Example(portFile, "func depth() async throws -> Int\nawait a.depth()", findings: 0),
            ]
        ) { files in
            let writes = files.filter(isPort).reduce(into: Set<String>()) { names, port in
                let functions = port.swift.places(of: ["func"])
                names.formUnion(functions.compactMap { port.swift.tokens.dropFirst($0 + 1).first?.text })
            }.subtracting(notOfThePipeline)
            return files.filter { file in file.path != batchers && pipeline.contains { file.path.hasPrefix($0) } }
                .flatMap { unguardedWrites(in: $0, named: writes) }
        },
    ]

    private static let portFile = "Sources/QuartetCore/Ports/A.swift"
    private static let write = "func enqueue() async throws"

    private static let pipeline = [
        "Sources/QuartetCore/Ports/", "Sources/QuartetAPI/",
        "Sources/QuartetRoles/Worker/", "Sources/QuartetRoles/Relay/", "Sources/QuartetRoles/Invalidation/",
    ]

    /// A port of the pipeline; the checker has others.
    private static func isPort(_ file: SourceFile) -> Bool {
        file.path.hasPrefix("Sources/QuartetCore/Ports/")
            && !["CheckStore.swift", "/CheckFacts.swift", "/SweepStore.swift"].contains { file.path.hasSuffix($0) }
    }

    /// What a worker's steps are made of; they are called by their own names.
    private static let batchers = "Sources/QuartetRoles/Worker/WorkerBatchers.swift"

    /// Methods of ports that read, and those whose writes nothing else is built on: bells, leases, indexes, copies that are
    /// filled, rows that are old. Any other method of a port is a write.
    private static let notOfThePipeline: Set = [
        // Reads.
        "analyze", "backlog", "cards", "counts", "dead", "delays", "depth", "details", "forEachSegment", "get",
        "haveReviews", "hit", "oldestTransaction", "segments",
        "latestResults", "next", "pages", "positions", "products", "read", "reports", "requests", "results",
        "reviewIDs", "reviews",
        "rings", "rows", "sessions", "shardCount", "topicsWithLostLogs", "wakeups", "close", "forEachPage", "keepPlace",
        // Bells and leases.
        "ring", "renew", "holdShards", "releaseShards",
        // Indexes and old rows.
        "prepare", "purge",
    ]

    /// Calls of writes without a failpoint between them and the next one; those of one line are alternatives.
    private static func unguardedWrites(in file: SourceFile, named writes: Set<String>) -> [Finding] {
        let tokens = file.swift.tokens
        let calls = file.swift.places(of: ["."]).filter { place in
            guard place + 2 < tokens.count, writes.contains(tokens[place + 1].text) else { return false }
            // What is called, back to the word that says that it is waited for.
            let ends: Set = ["await", "async", "throws", "(", ")", "{", "}"]
            let before = tokens[..<place].last { ends.contains($0.text) }
            return tokens[place + 2].text == "(" && ["await", "async"].contains(before?.text)
        }
        let points = file.swift.places(of: ["Failpoint", "."])
        return calls.enumerated().compactMap { index, call in
            let next = calls[(index + 1)...].first { tokens[$0].line > tokens[call].line } ?? tokens.count
            guard !points.contains(where: { call < $0 && $0 < next }) else { return nil }
            return file.finding(line: tokens[call].line, tokens[call + 1].text)
        }
    }

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
