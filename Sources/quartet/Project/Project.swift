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
        commandName: "run", abstract: "Keep read models by events, until stopped. Any number of copies may run.")

    @OptionGroup var configuration: ConfigurationOptions

    @Argument(help: "Their names, such as users_view; all unless named.")
    var names: [String] = []

    func validate() throws { try names.forEach(ProjectionName.validate) }

    func run() async throws {
        var configuration = try configuration.load(for: ConfigurationUse(roles: [.project]))
        if !names.isEmpty { configuration.project.projections = names }
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
            Terminal.out(try json ? JSONLine.text(report) : ProjectionView.text(report))
        }
    }
}

/// Which read model a command is about.
struct ProjectionName: ParsableArguments {
    @Argument(help: "Its name, such as users_view.")
    var name: String

    @Flag(help: "Print the outcome as JSON.")
    var json = false

    func validate() throws { try Self.validate(name) }

    static func validate(_ name: String) throws {
        guard Projections.names.contains(name) else {
            throw ValidationError(
                "\(name) is no read model; there are \(Projections.names.joined(separator: ", "))")
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
        try await projection.run(configuration) { try await $0.bootstrap(projection.name, observe: $1) }
    }
}

struct ProjectRebuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Make a new copy and put it in the old one's place at once.")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var projection: ProjectionName

    func run() async throws {
        try await projection.run(configuration) { try await $0.rebuild(projection.name, observe: $1) }
    }
}

extension ProjectionName {
    fileprivate func run(
        _ configuration: ConfigurationOptions,
        _ body: (Composition, (_ done: Int, _ total: Int) -> Void) async throws -> CopyReport
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
        Terminal.out(try json ? JSONLine.text(report) : ProjectionView.text(report))
        if !report.isWhole { throw ExitCode(1) }
    }
}

private enum ProjectionView {
    static func text(_ report: ProjectionReport) -> String {
        let waiting = report.lagEvents.map { "\($0) events" } ?? "an unknown number of events"
        let copied = report.copiedAt.map { "copied whole \($0.formatted(.iso8601))" } ?? "never copied whole"
        let position = report.position.map {
            "at version \($0.version) of \($0.changedAt.formatted(.iso8601))"
        }
        let error = zip(report.lastError, report.lastErrorAt).map {
            "\n    last error \($1.formatted(.iso8601)): \($0)"
        }
        return
            "\(report.name): \(report.rows) rows of \(report.sourceRows), \(position ?? "without a change"); \(waiting) "
            + "over \(report.buses.joined(separator: ", ")) and \(Int(report.lagSeconds.rounded())) s behind; \(copied)"
            + (error ?? "")
    }

    static func text(_ report: CopyReport) -> String {
        let meanwhile = report.changedMeanwhile > 0 ? "; \(report.changedMeanwhile) changed meanwhile" : ""
        return "\(report.name): \(report.copiedRows) rows copied in \(Int(report.seconds.rounded(.up))) s; "
            + "\(report.rows) rows of \(report.sourceRows)\(meanwhile)"
    }

    private static func zip(_ text: String?, _ date: Date?) -> (String, Date)? {
        guard let text, let date else { return nil }
        return (text, date)
    }
}
