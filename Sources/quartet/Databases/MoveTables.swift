import ArgumentParser
import ClientSupport
import Foundation
import QuartetDatabases
import QuartetService

struct MoveTables: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move", abstract: "Split one database into those of the table map; its source is only read.",
        discussion: """
            Run `quartet migrate` first: rows are copied into the tables that it makes, and compared at the end. What was cut \
            off goes on. Exits with 1 where something can't be moved, or differs afterwards.
            """)

    @OptionGroup var configuration: ConfigurationOptions

    @Option(
        help: """
            What to move, as postgresql://USER:PASSWORD@HOST/DATABASE; else MOVE_FROM in the environment, which others \
            can't see.
            """
    )
    var from: String?

    @Flag(help: "Only tell what would be moved where, and what stands in the way.")
    var dryRun = false

    @Option(help: "Where the source's tables are, if it has tables of a name in several schemas.")
    var schema: String?

    @Option(
        name: .customLong("column"), parsing: .singleValue,
        help: ArgumentHelp("What gives a column: SQL about a row of the source.", valueName: "table.column=sql"))
    var columns: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A table or column of the source that stays behind.", valueName: "table or table.column"))
    var leave: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A table that is emptied and copied again.", valueName: "table"))
    var again: [String] = []

    @Flag(help: "Print the plan or the outcome as JSON.")
    var json = false

    func validate() throws {
        _ = try options()
        guard source != nil else { throw ValidationError("name what to move by --from, or by MOVE_FROM") }
    }

    func run() async throws {
        let options = try options()
        let isGood = try await configuration.withComposition("move") { composition in
            try await composition.withMove(from: source ?? "", options) { move in
                let plan = try await move.plan()
                if !json { MoveView.lines(plan).forEach(Terminal.out) }
                guard !dryRun, plan.problems.isEmpty else {
                    if json { Terminal.out(try JSONLine.text(plan)) }
                    return plan.problems.isEmpty
                }
                let report = try await report(move, plan)
                try (json ? [JSONLine.text(report)] : MoveView.lines(report)).forEach(Terminal.out)
                return report.isEqual
            }
        }
        if !isGood { throw ExitCode(1) }
    }

    private func report(_ move: Move, _ plan: MovePlan) async throws -> MoveReport {
        let total = plan.tables.map(\.rows).reduce(0, +)
        let bar = ProgressBar("moving", total: total, unit: "rows", isQuiet: json && !Terminal.isInteractive)
        var done: [String: Int] = [:]
        let report = try await move.run(plan) { progress in
            bar.advance(by: progress.rows - done[progress.table, default: 0], note: progress.table)
            done[progress.table] = progress.rows
        }
        bar.finish()
        return report
    }

    private var source: String? { from ?? ProcessInfo.processInfo.environment["MOVE_FROM"] }

    private func options() throws -> MoveOptions {
        var options = MoveOptions()
        options.schema = schema
        options.leaving = Set(leave)
        options.again = Set(again)
        for column in columns {
            let parts = column.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, parts[0].split(separator: ".").count == 2 else {
                throw ValidationError("--column \(column): say it as TABLE.COLUMN=SQL, such as products.product_id=sku")
            }
            options.expressions[parts[0]] = parts[1]
        }
        return options
    }
}

private enum MoveView {
    static func lines(_ plan: MovePlan) -> [String] {
        var lines = plan.tables.map { "\($0.source) -> \($0.database) \($0.target): \($0.rows) rows" }
        lines += plan.extensions.map {
            "extension \($0.name) in \($0.database): \($0.isThere ? "is there" : "is made first")"
        }
        lines += plan.inPlace.map { "\($0): is where it belongs" }
        lines += plan.leftColumns.map { "\($0): stays behind" }
        lines += plan.left.map { "\($0): stays behind" }
        lines += plan.foreignKeys.map { key in
            let reason = key.isAcross ? "ends, its tables are in two databases" : "ends, these tables have none"
            let cure = key.cure.map { "; `quartet check` looks after it (\($0))" } ?? ""
            return "foreign key \(key.name) of \(key.table), \(key.definition): \(reason)\(cure)"
        }
        if !plan.absent.isEmpty { lines.append("not in the source: \(plan.absent.joined(separator: ", "))") }
        return lines + plan.problems.map { "in the way: \($0)" }
    }

    static func lines(_ report: MoveReport) -> [String] {
        let lines = report.comparisons.map { comparison in
            guard !comparison.isEqual else { return "\(comparison.table): \(comparison.rows) rows, equal" }
            let counts = "\(comparison.sourceRows) rows in the source, \(comparison.rows) in \(comparison.database)"
            return "\(comparison.table): differs, \(counts): copy it again by --again \(comparison.table)"
        }
        let moved = "\(report.copiedRows) rows moved in \(Int(report.seconds.rounded(.up))) s"
        let next = """
            read models that were not moved come by `quartet project bootstrap NAME`; then `quartet check --full`
            """
        return lines + [moved] + (report.isEqual ? [next] : [])
    }
}
