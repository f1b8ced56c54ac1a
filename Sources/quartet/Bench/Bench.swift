import ArgumentParser
import Foundation
import QuartetBench
import QuartetCore
import QuartetStack

struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure; prints JSON.",
        subcommands: [
            BenchPipeline.self, BenchCheck.self, BenchRelay.self, BenchProject.self,
            BenchStale.self, BenchEmotion.self,
            BenchOrders.self,
            BenchImport.self,
            BenchReads.self,
        ],
        defaultSubcommand: BenchPipeline.self)
}

struct BenchPipeline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline",
        abstract: "Submits, analyses from a queue and end to end, latency, memory, and the floor under them.",
        discussion: "On private servers with durable settings.")

    @Option(help: "Analyses in each part; other sizes follow.")
    var analyses = 10_000

    @Option(help: "For how many seconds a transaction is held open beside light load.")
    var openTransaction = 20

    @Flag(help: "Tell what each phase spends: CPU time by process, and what each store is asked for.")
    var cost = false

    @Option(
        help: ArgumentHelp(
            "Another build's program: its roles and these in turns, their rates and what they cost.",
            valueName: "program"))
    var beside: String?

    @Option(help: "How often each of two builds is measured.")
    var rounds = 3

    @Option(help: "Requests of light load; 0 leaves it out where two builds are measured.")
    var lightRequests = 100

    @Option(help: "Analyses of 20 cards that the stores hold already: rates with them beside rates without.")
    var history = 0

    @Option(
        parsing: .upToNextOption, help: "Processes that work on one queue, such as 2 4 8: rates beside those of one.")
    var workers: [Int] = []

    @Option(help: "Tasks that wait: their rate, and the memory of the worker meanwhile.")
    var backlog = 0

    @Option(help: "Reviews of one request: the rate of the small ones beside it.")
    var largeReviews = 0

    @Option(help: "Callers that each follow a request: the rate beside them.")
    var watchers = 0

    private var growth: PipelineBench.Growth {
        var growth = PipelineBench.Growth()
        (growth.history, growth.workers, growth.backlog) = (history, workers, backlog)
        (growth.largeReviews, growth.watchers) = (largeReviews, watchers)
        return growth
    }

    func validate() throws {
        for (name, value) in [
            ("history", history), ("backlog", backlog), ("large-reviews", largeReviews), ("watchers", watchers),
        ] where value < 0 { throw ValidationError("--\(name) is at least 0") }
        for count in workers where !(1...64).contains(count) { throw ValidationError("--workers is from 1 to 64") }
        if watchers > analyses { throw ValidationError("--watchers is at most --analyses: each follows one") }
        if beside != nil, !growth.isEmpty { throw ValidationError("--beside goes with none of the sizes of more") }
        if rounds < 1 { throw ValidationError("--rounds is at least 1") }
        if lightRequests < 1, beside == nil || lightRequests < 0 {
            throw ValidationError("--light-requests is at least 1")
        }
        if analyses < 1_000 { throw ValidationError("--analyses is at least 1000") }
        if openTransaction < 1 { throw ValidationError("--open-transaction is at least 1") }
    }

    func run() async throws {
        var sizes = PipelineBench.Sizes()
        sizes.analyses = analyses
        sizes.tellsCost = cost
        sizes.submits = analyses * 4
        sizes.floorAnalyses = max(2_000, analyses * 6 / 10)
        sizes.openTransactionDuration = .seconds(openTransaction)
        (sizes.rounds, sizes.lightRequests) = (rounds, lightRequests)
        try await withBenchStack { stack in
            let bench = try PipelineBench(stack: stack, sizes: sizes) { Terminal.say("bench: \($0)") }
            if let beside {
                Terminal.out(try ReportJSON.text(of: try await bench.run(beside: beside)))
            } else if !growth.isEmpty {
                Terminal.out(try ReportJSON.text(of: try await bench.run(growth)))
            } else {
                Terminal.out(try ReportJSON.text(of: try await bench.run()))
            }
        }
    }
}

/// Runs `body` with private servers in a folder of their own that goes with them.
func withBenchStack(
    _ options: StackOptions = .durable, _ body: (LocalStack) async throws -> Void
) async throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
        "quartet-bench-\(ProcessInfo.processInfo.processIdentifier)", isDirectory: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let stack = try await LocalStack.start(directory: directory, options: options)
    do {
        try await body(stack)
    } catch {
        await stack.stop()
        throw error
    }
    await stack.stop()
}
