import ArgumentParser
import Foundation
import QuartetService

/// Refills the aging caches, and looks after them.
struct Cache: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Refill the aging caches of users and products in turns; look at them, refill or reset them now.",
        subcommands: [CacheRun.self, CacheStatus.self, CacheRefresh.self, CacheReset.self],
        defaultSubcommand: CacheRun.self)
}

struct CacheRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Refill the aging caches, until stopped. Any number of copies may run.")

    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        try await runRoles([.cache], configuration.load(for: ConfigurationUse(roles: [.cache])), as: "cache")
    }
}

struct CacheStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What is in each aging cache, and how far the turns of its rows are.")

    @OptionGroup var configuration: ConfigurationOptions

    @Flag(help: "Print it as JSON, one a line.")
    var json = false

    func run() async throws {
        for report in try await configuration.withComposition("cache", { try await $0.agingReports() }) {
            Terminal.out(try json ? JSONLine.text(report) : Self.text(report))
        }
    }

    private static func text(_ report: AgingReport) -> String {
        let refreshed = report.refreshedAt.map { "refilled \($0.formatted(.iso8601))" } ?? "empty"
        let oldest = report.oldestTurnAt.map { ", the oldest turn was \($0.formatted(.iso8601))" } ?? ""
        return
            "\(report.name): \(report.cachedRows) rows cached (\(report.cachedBytes / 1024) KiB), \(refreshed), next turn in "
            + "\(Int(report.nextTurnSeconds.rounded(.up))) s; \(report.newRows) of \(report.sourceRows) rows had none yet"
            + "\(oldest); \(report.turnsForAll) turns until each had one"
    }
}

private struct AgingCount: Encodable {
    let name: String
    let rows: Int
}

/// Which aging caches a command is about.
struct AgingCacheNames: ParsableArguments {
    @Argument(help: "users, products; all unless named.")
    var names: [String] = []

    @Flag(help: "Print the outcome as JSON, one a line.")
    var json = false

    func report(_ counts: [(name: String, rows: Int)], _ words: String) throws {
        for count in counts {
            Terminal.out(
                try json
                    ? JSONLine.text(AgingCount(name: count.name, rows: count.rows))
                    : "\(count.name): \(count.rows) rows \(words)")
        }
    }
}

struct CacheRefresh: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh", abstract: "Give the rows whose turn is next their turn now.")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var caches: AgingCacheNames

    func run() async throws {
        let counts = try await configuration.withComposition("cache") { try await $0.refreshAging(caches.names) }
        try caches.report(counts, "cached")
    }
}

struct CacheReset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset", abstract: "Empty the aging caches; all rows begin their turns anew.")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var caches: AgingCacheNames

    func run() async throws {
        let counts = try await configuration.withComposition("cache") { composition in
            let bar = ProgressBar("reset", unit: "rows", isQuiet: caches.json && !Terminal.isInteractive)
            defer { bar.finish() }
            var last = 0
            return try await composition.resetAging(caches.names) { _, rows in
                bar.advance(by: max(0, rows - last))
                last = rows
            }
        }
        try caches.report(counts, "begin anew")
    }
}
