import ArgumentParser

/// The executable: a subcommand per role, and command-line clients of the API.
@main
struct Quartet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quartet",
        abstract: "Review analyses over PostgreSQL, MongoDB, Redis and Kafka, kept telling one story.",
        groupedSubcommands: [
            CommandGroup(
                name: "Roles", subcommands: [Serve.self, RelayOutbox.self, Work.self, Invalidate.self, RunAll.self]),
            CommandGroup(name: "Stores", subcommands: [Migrate.self, Check.self, Events.self]),
            CommandGroup(name: "Emotion model", subcommands: [Train.self, Evaluate.self]),
            CommandGroup(
                name: "Clients", subcommands: [Ingest.self, Analyse.self, Cancel.self, Dead.self, Products.self]),
            CommandGroup(name: "Local", subcommands: [Dev.self, Stack.self, Bench.self, Chaos.self]),
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            let isCheck = CommandLine.arguments.dropFirst().first == "check"
            // Not the usual 64: whoever checks each night is promised three codes.
            if isCheck, exitCode(for: error) == .validationFailure {
                Terminal.say(fullMessage(for: error))
                exit(withError: ExitCode(2))
            }
            exit(withError: error)
        }
    }
}
