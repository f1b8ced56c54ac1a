import ArgumentParser
import Foundation
import Market
import QuartetService

/// Collects what products are compared with.
struct Benchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Collect benchmark products, as benchmark collect jobs say.", subcommands: [BenchmarksCollect.self],
        defaultSubcommand: BenchmarksCollect.self)
}

struct BenchmarksCollect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect", abstract: "Run collect jobs: those that wait, or those that are named.",
        discussion: """
            A job that was cut off is gone on with; one that is done begins anew when it is named. Exits with 1 if one could \
            not be run to its end.
            """)

    @OptionGroup var configuration: ConfigurationOptions

    @Argument(help: "Ids of jobs; all that wait unless named.")
    var jobs: [String] = []

    @Flag(help: "Print the outcome as JSON, a line for each job.")
    var json = false

    func run() async throws {
        let reports = try await configuration.withComposition("collect") { composition in
            let collector = try composition.benchmarkCollector()
            var reports: [CollectReport] = []
            for job in jobs.isEmpty ? try await collector.waiting() : jobs {
                let bar = ProgressBar(job, unit: "products", isQuiet: json && !Terminal.isInteractive)
                reports.append(try await collector.run(job) { bar.advance(by: $0) })
                if bar.hasAdvanced { bar.finish() }
            }
            return reports
        }
        for report in reports { Terminal.out(try json ? JSONLine.text(report) : Self.text(report)) }
        if reports.contains(where: { $0.error != nil }) { throw ExitCode(1) }
    }

    private static func text(_ report: CollectReport) -> String {
        let error = report.error.map { "; \($0)" } ?? ""
        return "\(report.job): \(report.found) found in \(report.pages) pages, \(report.changed) changed, "
            + "\(report.refused) refused\(error)"
    }
}
