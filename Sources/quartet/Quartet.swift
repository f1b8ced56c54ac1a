import ArgumentParser
import ClientSupport
import Foundation
import Mongo

/// The executable: a subcommand per role, and command-line clients of the API.
@main
struct Quartet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quartet",
        abstract: "Review analyses over PostgreSQL, MongoDB, Redis and Kafka, kept telling one story.",
        groupedSubcommands: [
            CommandGroup(
                name: "Roles",
                subcommands: [
                    Serve.self, RelayOutbox.self, Work.self, Invalidate.self, Project.self, Cache.self, RunAll.self,
                ]),
            CommandGroup(
                name: "Stores", subcommands: [Migrate.self, MoveTables.self, Doctor.self, Check.self, Events.self]),
            CommandGroup(name: "Suppliers and markets", subcommands: [Sync.self, Collect.self]),
            CommandGroup(name: "Candidates", subcommands: [Candidates.self, Benchmarks.self]),
            CommandGroup(name: "System", subcommands: [Config.self, Keys.self]),
            CommandGroup(name: "Emotion model", subcommands: [Train.self, Evaluate.self]),
            CommandGroup(
                name: "Clients",
                subcommands: [
                    Ingest.self, Import.self, Analyse.self, Cancel.self, Dead.self, Products.self,
                    Simulate.self,
                ]),
            CommandGroup(name: "Local", subcommands: [Dev.self, Stack.self, Bench.self, Chaos.self]),
        ])

    static func main() async {
        Terminal.prepare()
        DescriptorLimit.raise()
        SharedCounters.remove()
        // Not the usual 64 of `check`: whoever checks each night is promised three codes.
        let misuse = Terminal.failureStatus == 2 ? ExitCode(2) : ExitCode.validationFailure
        if let empty = emptyArgument() {
            Terminal.say("Error: \(empty) is empty")
            ProcessEnd.now(misuse.rawValue)
        }
        do {
            try await parseAndRun()
        } catch {
            let status = exitCode(for: error)
            let message = fullMessage(for: error)
            // What was asked for is a result, like the help.
            if !message.isEmpty { status.isSuccess ? Terminal.out(message) : Terminal.say(message) }
            ProcessEnd.now((status == .validationFailure ? misuse : status).rawValue)
        }
        ProcessEnd.now(EXIT_SUCCESS)
    }

    /// Not in `main`, which the main actor keeps: a command of an older ArgumentParser could not leave it.
    @concurrent private static func parseAndRun() async throws {
        var command = try parseAsRoot()
        if var command = command as? any AsyncParsableCommand {
            try await command.run()
        } else {
            try command.run()
        }
    }

    /// Nothing that is given to a command means anything when it is empty: it would name the current folder, or is what is
    /// left of a variable that nobody has set.
    private static func emptyArgument() -> String? {
        let arguments = CommandLine.arguments.dropFirst()
        if let option = arguments.first(where: { $0.hasPrefix("--") && $0.hasSuffix("=") }) {
            return "the value of \(option.dropLast())"
        }
        guard let place = arguments.firstIndex(of: "") else { return nil }
        return arguments[..<place].last.flatMap { $0.hasPrefix("-") ? "the value of \($0)" : nil } ?? "an argument"
    }
}
