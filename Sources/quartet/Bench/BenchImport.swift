import ArgumentParser
import QuartetBench
import QuartetCore
import QuartetStack

struct BenchImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract:
            "How fast products, users and orders are imported beside psql's COPY and asyncpg.")

    @Option(help: "Rows of each.")
    var rows = 100_000

    @Option(help: "An interpreter whose asyncpg is measured beside, where it has that (pip install asyncpg).")
    var python = "python3"

    @Flag(help: "Print the figures as JSON.")
    var json = false

    func validate() throws {
        if !(10_000...10_000_000).contains(rows) { throw ValidationError("--rows is 10000 to 10000000") }
    }

    func run() async throws {
        try await withBenchStack { stack in
            let bench = try ImportBench(stack: stack, rows: rows, python: python) { Terminal.say("bench: \($0)") }
            let figures = try await bench.run()
            if json {
                Terminal.out(try ReportJSON.text(of: figures))
            } else {
                figures.lines.forEach(Terminal.out)
            }
        }
    }
}
