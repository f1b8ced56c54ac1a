import ArgumentParser
import Foundation
import QuartetService

/// Keeps read models, and looks after them.
struct Project: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keep read models by events; bootstrap, rebuild or compare them.",
        subcommands: [ProjectRun.self, ProjectStatus.self, ProjectBootstrap.self, ProjectRebuild.self],
        defaultSubcommand: ProjectRun.self)
}

struct ProjectRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Keep read models by events, until stopped.")

    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        let configuration = try configuration.load(for: ConfigurationUse(roles: [.project]))
        try await runRoles([.project], configuration, as: "project")
    }
}

struct ProjectStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "How each read model stands beside its source.")

    @OptionGroup var configuration: ConfigurationOptions

    @Flag(help: "Print it as JSON, one a line.")
    var json = false

    func run() async throws {
        for report in try await configuration.withComposition("project", { try await $0.projectionReports() }) {
            Terminal.out(try ProjectionView.text(report, json: json))
        }
    }
}

/// Which read model a command is about.
struct ProjectionName: ParsableArguments {
    @Argument(help: "Its name, such as users_view.")
    var name: String

    @Flag(help: "Print the outcome as JSON.")
    var json = false

    func validate() throws {
        guard Composition.projections.contains(name) else {
            throw ValidationError(
                "\(name) is no read model; there are \(Composition.projections.joined(separator: ", "))")
        }
    }
}

struct ProjectBootstrap: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootstrap", abstract: "Copy the source into a read model while events go on arriving.",
        discussion: "One that was cut off goes on. Exits with 1 if the copy then has another number of rows.")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var projection: ProjectionName

    func run() async throws {
        try await projection.run(configuration) { try await $0.bootstrapUsersView(observe: $1) }
    }
}

struct ProjectRebuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Make a new copy and put it in the old one's place at once.")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var projection: ProjectionName

    func run() async throws {
        try await projection.run(configuration) { try await $0.rebuildUsersView(observe: $1) }
    }
}

extension ProjectionName {
    fileprivate func run(
        _ configuration: ConfigurationOptions,
        _ body: (Composition, (_ done: Int, _ total: Int) -> Void) async throws -> ProjectionReport
    ) async throws {
        let report = try await configuration.withComposition("project") { composition in
            let bar = ProgressBar(name, unit: "rows", isQuiet: json && !Terminal.isInteractive)
            var last = 0
            let report = try await body(composition) { done, total in
                bar.advance(by: done - last, total: total)
                last = done
            }
            bar.finish()
            return report
        }
        Terminal.out(try ProjectionView.text(report, json: json))
        if !report.isWhole { throw ExitCode(1) }
    }
}

private enum ProjectionView {
    static func text(_ report: ProjectionReport, json: Bool) throws -> String {
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.dateEncodingStrategy = .iso8601
            return String(decoding: try encoder.encode(report), as: UTF8.self)
        }
        let waiting = report.lagEvents.map { "\($0) events" } ?? "an unknown number of events"
        let copied = report.copiedAt.map { "copied whole \($0.formatted(.iso8601))" } ?? "never copied whole"
        return "\(report.name): \(report.rows) rows of \(report.sourceRows); \(waiting) and "
            + "\(Int(report.lagSeconds.rounded())) s behind; \(copied)"
    }
}
