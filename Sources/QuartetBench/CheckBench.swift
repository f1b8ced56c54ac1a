import Foundation
import Logging
import Mongo
import Postgres
import QuartetCore
import QuartetService
package import QuartetStack
import QuartetStores

/// Measures a full sweep of the checker on private servers with durable settings, beside plain reads of the same data.
package struct CheckBench {
    package struct Sizes: Sendable {
        package var requests = 400_000
        /// Requests that have cards; each of these has 20.
        package var analyses = 60_000

        package init() {}
    }

    private let stack: LocalStack
    private let sizes: Sizes
    private let say: @Sendable (String) -> Void
    private let stores: BenchStores

    /// - Parameter say: told what is being measured, for people.
    package init(stack: LocalStack, sizes: Sizes, say: @escaping @Sendable (String) -> Void) throws {
        self.stack = stack
        self.sizes = sizes
        self.say = say
        stores = try BenchStores(on: stack)
    }

    package func run() async throws -> CheckFigures {
        try await stores.closing { try await measure() }
    }

    private func measure() async throws -> CheckFigures {
        let seed = CheckSeed(sizes: sizes, clients: stores.clients)
        say("seeding \(sizes.requests) requests, \(sizes.analyses * CheckSeed.cardsPerAnalysis) cards")
        try await stores.migrate()
        try await seed.write()
        say("the floor: plain counts, and cursors over all of it that join and judge nothing")
        let floor = try await CheckFloor(clients: stores.clients).measure()
        say("a full sweep, twice; the second counts")
        _ = try sweep()
        let (report, memory) = try sweep()
        guard report.consistent else { throw BenchError("the sweep found something in data that agrees") }
        func rate(_ phase: String) throws -> CheckFigures.Rate {
            guard let walk = report.sweep.walks.first(where: { $0.phase == phase }) else {
                throw BenchError("the sweep has no walk over \(phase)")
            }
            return CheckFigures.Rate(rows: walk.rows, perSecond: walk.perSecond)
        }
        return CheckFigures(
            cores: ProcessInfo.processInfo.activeProcessorCount, requests: try rate("requests"),
            cards: try rate("cards"), peakResidentMegabytes: memory, floor: floor)
    }

    /// One sweep in a process of its own, as it runs at night but without rests: its report, and the most memory that it
    /// held.
    private func sweep() throws -> (SweptReport, Int) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(
            fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        process.arguments = ["check", "--full", "--json"]
        process.environment = ProcessInfo.processInfo.environment.merging(
            stack.environment.merging(["CHECK_WORK_SHARE": "100", "CHECK_SETTLE_WINDOW": "1s"]) { _, new in new }
        ) { _, new in new }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let status = "/proc/\(process.processIdentifier)/status"
        var megabytes = 0
        while process.isRunning {
            megabytes = max(megabytes, Self.peak(status))
            RunLoop.current.run(until: Date().addingTimeInterval(0.02))
        }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let report = try? decoder.decode(SweptReport.self, from: data) else {
            throw BenchError("the sweep ended with status \(process.terminationStatus)")
        }
        return (report, megabytes)
    }

    private static func peak(_ path: String) -> Int {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) / 1024
    }
}

private struct SweptReport: Decodable {
    struct Sweep: Decodable {
        let walks: [Walk]
    }

    struct Walk: Decodable {
        let phase: String
        let rows: Int
        let perSecond: Int
    }

    let consistent: Bool
    let sweep: Sweep
}

/// What the bench found. Rates are per second of wall time.
package struct CheckFigures: Codable, Sendable {
    struct Rate: Codable, Sendable {
        let rows: Int
        let perSecond: Int
    }

    struct Floor: Codable, Sendable {
        /// `count(*)` of requests and results, and counts of tasks and sessions, one after the other.
        let requestCounts: Rate
        /// Requests, results, tasks and sessions read to their ends side by side.
        let requestCursors: Rate
        let cardCount: Rate
        /// Cards read to their end, not decoded.
        let cardCursor: Rate
    }

    let cores: Int
    /// I1, I2, I3, I6, and I5 for tasks and sessions.
    let requests: Rate
    /// I4, and I5 for cards and keyword details.
    let cards: Rate
    let peakResidentMegabytes: Int
    let floor: Floor
}
