import ArgumentParser
import QuartetBench
import QuartetCore

struct BenchReads: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reads",
        abstract: "How fast products and users are read with the caches and without, and what that asks of PostgreSQL.")

    @Option(help: "Products, and users.")
    var rows = 10_000

    @Option(help: "Seconds of even load for each way.")
    var seconds = 20

    @Flag(help: "Print the figures as JSON.")
    var json = false

    func validate() throws {
        if !(1_000...1_000_000).contains(rows) { throw ValidationError("--rows is 1000 to 1000000") }
        if !(1...600).contains(seconds) { throw ValidationError("--seconds is 1 to 600") }
    }

    func run() async throws {
        try await withBenchStack { stack in
            let bench = try ReadBench(stack: stack, rows: rows, seconds: seconds) { Terminal.say("bench: \($0)") }
            let figures = try await bench.run()
            if json {
                Terminal.out(try ReportJSON.text(of: figures))
            } else {
                figures.lines.forEach(Terminal.out)
            }
        }
    }
}
