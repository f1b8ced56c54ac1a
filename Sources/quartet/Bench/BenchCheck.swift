import ArgumentParser
import QuartetBench
import QuartetCore

struct BenchCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "A full sweep of the checker, and plain reads of the same data.")

    @Option(help: "Requests to walk.")
    var requests = 400_000

    @Option(help: "How many of them have cards, 20 each.")
    var analyses = 60_000

    func validate() throws {
        if requests < 1_000 { throw ValidationError("--requests is at least 1000") }
        if analyses < 0 || analyses > requests / 2 {
            throw ValidationError("--analyses is at most half of --requests")
        }
    }

    func run() async throws {
        var sizes = CheckBench.Sizes()
        sizes.requests = requests
        sizes.analyses = analyses
        try await withBenchStack { stack in
            let figures = try await CheckBench(stack: stack, sizes: sizes) { Terminal.say("bench: \($0)") }.run()
            Terminal.out(try ReportJSON.text(of: figures))
        }
    }
}
