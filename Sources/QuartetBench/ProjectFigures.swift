import QuartetStores

/// What a bench of a read model found. CPU is that of relay and projection, one process, user and system.
package struct ProjectFigures: Codable, Sendable {
    struct Copy: Codable, Sendable {
        let rows: Int
        let seconds: Double
        let rowsPerSecond: Int
        /// They go side by side.
        let readingSeconds: Double
        let writingSeconds: Double

        init(_ times: PostgresReadModel.CopyTimes) {
            func rounded(_ seconds: Double) -> Double { (seconds * 100).rounded() / 100 }
            rows = times.rows
            seconds = rounded(times.total)
            rowsPerSecond = times.total > 0 ? Int(Double(times.rows) / times.total) : 0
            readingSeconds = rounded(times.reading)
            writingSeconds = rounded(times.writing)
        }
    }

    /// Users changed at an even pace while the copy is read.
    struct Changes: Codable, Sendable {
        /// As many as were written: fewer than wanted where commits took too long.
        let perSecond: Int
        let perTransaction: Int
        let seconds: Int
        /// From the answer of a change's commit until a reader finds it in the copy.
        let visibleMilliseconds: LatencySummary
        /// From the beginning of a change's transaction to that of the one that applied it, of every change.
        let appliedMilliseconds: LatencySummary
        let cpuMillisecondsPer1000: Double
    }

    let cores: Int
    let bus: String
    let users: Int
    let bootstrap: Copy
    let rebuild: Copy
    let changes: Changes

    /// For people.
    package var lines: [String] {
        func copy(_ name: String, _ copy: Copy) -> String {
            "\(name): \(copy.rows) rows in \(copy.seconds) s, \(copy.rowsPerSecond) a second "
                + "(reading \(copy.readingSeconds) s, writing \(copy.writingSeconds) s, side by side)"
        }
        return [
            "\(cores) cores, events over \(bus)", copy("bootstrap", bootstrap), copy("rebuild", rebuild),
            "\(changes.perSecond) changes a second for \(changes.seconds) s, \(changes.perTransaction) a transaction:",
            "  visible in the copy p50 \(changes.visibleMilliseconds.p50) ms, p99 \(changes.visibleMilliseconds.p99) ms "
                + "(\(changes.visibleMilliseconds.calls) looked for)",
            "  applied p50 \(changes.appliedMilliseconds.p50) ms, p99 \(changes.appliedMilliseconds.p99) ms "
                + "(all \(changes.appliedMilliseconds.calls))",
            "  CPU of relay and projection \(changes.cpuMillisecondsPer1000) ms per 1,000",
        ]
    }
}
