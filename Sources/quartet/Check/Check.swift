import ArgumentParser
import CoreMetrics
import Foundation
import QuartetCheck
import QuartetCore
import QuartetRoles
import QuartetService

/// One sweep over the stores.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prove that the stores agree, or say where they do not.",
        discussion: """
            Walks the stores and reports every violation of the invariants, seen twice. Looks at what changed since the last
            sweep; at everything when there was none, with --full, and when check.full_interval has passed. A sweep that was
            cut off is gone on with when the same is asked for again; one runs at a time.

            Exits with 0 if the stores agree, 1 if findings remain, 2 if it could not run.
            """)

    @OptionGroup var configuration: ConfigurationOptions

    @Flag(help: "Look at everything.")
    var full = false

    @Option(help: "Look at what changed since then: 2026-01-31T03:00:00Z, or a duration like 12h ago.")
    var since: String?

    @Option(help: "Check these invariants only: I1,I4.")
    var invariant: String?

    @Option(
        help:
            "Judge this part of all keys, 0.01 for one in a hundred; always the same ones. Cards are read of those alone."
    )
    var sample = 1.0

    @Flag(help: "Mend what is safe to mend.")
    var repair = false

    @Flag(help: "Print the report as JSON.")
    var json = false

    @Option(help: "Write the report as a page of HTML there.")
    var html: String?

    @Option(help: "Write the sweep's metrics there, as Prometheus text for a node exporter to collect.")
    var metrics: String?

    func run() async throws {
        let isConsistent: Bool
        do {
            isConsistent = try await sweep()
        } catch {
            Terminal.say("check: \(error)")
            throw ExitCode(2)
        }
        if !isConsistent { throw ExitCode(1) }
    }

    func validate() throws { _ = try options() }

    /// Returns whether nothing remains.
    private func sweep() async throws -> Bool {
        let configuration = try configuration.load(for: [.stores, .relay, .check])
        let registry = MetricsRegistry()
        MetricsSystem.bootstrap(registry)
        let composition = try Composition(
            configuration, role: "check", metrics: registry, logger: configuration.reportLogger("check"))
        let bar = SweepBar(isQuiet: !Terminal.isInteractive)
        let report: SweepReport
        do {
            try await composition.clients.checkAtBoot()
            report = try await composition.checker(repairs: repair) { bar.show($0) }.runOnce(options())
        } catch {
            bar.finish()
            await composition.clients.close()
            throw error
        }
        bar.finish()
        await composition.clients.close()
        Terminal.out(json ? try report.json() : report.text())
        if let html { try report.page.write(toFile: html, atomically: true, encoding: .utf8) }
        if let metrics { try registry.text().write(toFile: metrics, atomically: true, encoding: .utf8) }
        return report.isConsistent
    }

    private func options() throws -> SweepOptions {
        var options = SweepOptions()
        guard !full || since == nil else { throw ValidationError("give --full or --since, not both") }
        if full { options.reach = .full }
        if let since { options.reach = .since(try PastTime.parse(since, option: "--since")) }
        guard sample > 0, sample <= 1 else { throw ValidationError("--sample is above 0 and at most 1") }
        options.sample = sample
        options.repairs = repair
        if let invariant {
            let names = invariant.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces).uppercased() }
            let chosen = try names.map { name in
                guard let one = Invariant(rawValue: name) else {
                    throw ValidationError("there is no invariant \(name); there are I1 to I10")
                }
                return one
            }
            guard !chosen.isEmpty else { throw ValidationError("--invariant names at least one") }
            options.invariants = Set(chosen)
        }
        return options
    }
}
