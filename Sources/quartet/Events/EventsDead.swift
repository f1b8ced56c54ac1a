import ArgumentParser
import Foundation
import QuartetCore
import QuartetService

struct EventsDead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead", abstract: "List, show, redrive or drop events that were put aside.",
        discussion: """
            An event that can't be used goes to TOPIC.dlq with the reason, and its neighbours go on. Redriving sends one to \
            its topic again, as it was, when whoever takes it in can use it by now; dropping says that nobody wants it. Both \
            are recorded, and doing them twice changes nothing. Where the reason may pass, relays redrive by themselves.
            """,
        subcommands: [EventsDeadList.self, EventsDeadShow.self, EventsDeadRedrive.self, EventsDeadDrop.self],
        defaultSubcommand: EventsDeadList.self)
}

struct EventsDeadList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List them, topic by topic.")

    @OptionGroup var configuration: ConfigurationOptions

    @Flag(help: "Print them as JSON, one a line.")
    var json = false

    func run() async throws {
        try await configuration.withComposition("events") { composition in
            var count = 0
            try await composition.deadLetters().forEachPage { letters in
                if count == 0, !json { Terminal.out(LetterView.header) }
                count += letters.count
                for letter in letters { Terminal.out(json ? try LetterView.json(letter) : LetterView.line(letter)) }
            }
            if count == 0, !json { Terminal.say("no event was put aside") }
        }
    }
}

struct EventsDeadShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one with its headers and data.")

    @OptionGroup var configuration: ConfigurationOptions

    @Argument(help: "TOPIC/PARTITION/OFFSET, as it is listed.")
    var name: String

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() async throws {
        try await configuration.withComposition("events") { composition in
            guard let letter = try await composition.deadLetters().letters(named: [name]).first else {
                throw ValidationError("no event \(name) was put aside, or something was done with it")
            }
            Terminal.out(json ? try LetterView.json(letter) : LetterView.text(letter))
        }
    }
}

struct EventsDeadRedrive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redrive", abstract: "Send them to their topics again.")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var selection: LetterSelection

    func run() async throws {
        try await selection.handle(configuration, "redriven", refusing: \.isCut) { try await $0.redrive($1) }
    }
}

struct EventsDeadDrop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "drop", abstract: "Nobody wants them.")

    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var selection: LetterSelection

    func run() async throws {
        try await selection.handle(configuration, "dropped") { try await $0.drop($1) }
    }
}

/// Which dead letters a command is about.
struct LetterSelection: ParsableArguments {
    @Argument(help: "TOPIC/PARTITION/OFFSET, as they are listed.")
    var names: [String] = []

    @Flag(help: "Every one.")
    var all = false

    @Flag(help: "Print what was done as JSON, one a line.")
    var json = false

    func validate() throws {
        if all != names.isEmpty { throw ValidationError("name events, or give --all") }
    }

    /// Exits with 1 if one that was named is not there.
    func handle(
        _ configuration: ConfigurationOptions, _ done: String,
        refusing isRefused: (DeadLetter) -> Bool = { _ in false },
        _ body: (any DeadLetterStore, [DeadLetter]) async throws -> Void
    ) async throws {
        let (missing, refused) = try await configuration.withComposition("events") {
            composition -> ([String], [String]) in
            let store = try composition.deadLetters()
            let bar = ProgressBar(done, unit: "events", isQuiet: json && !Terminal.isInteractive)
            var seen: Set<String> = []
            var refused: [String] = []
            try await store.forEachPage { letters in
                let wanted = all ? letters : letters.filter { names.contains($0.place.name) }
                seen.formUnion(wanted.map(\.place.name))
                let chosen = wanted.filter { !isRefused($0) }
                refused += wanted.filter(isRefused).map(\.place.name)
                try await body(store, chosen)
                bar.advance(by: chosen.count)
                guard json else { return }
                for letter in chosen { bar.out(#"{"event":"\#(letter.place.name)","outcome":"\#(done)"}"#) }
            }
            bar.finish()
            return (names.filter { !seen.contains($0) }, refused)
        }
        for name in missing { Terminal.say("no event \(name) was put aside, or something was done with it before") }
        for name in refused {
            Terminal.say("\(name) was cut when it was put aside: hand it off from its outbox by quartet events replay")
        }
        if !missing.isEmpty || !refused.isEmpty { throw ExitCode(1) }
    }
}

extension DeadLetterStore {
    fileprivate func letters(named names: [String]) async throws -> [DeadLetter] {
        var found: [DeadLetter] = []
        try await forEachPage { found += $0.filter { names.contains($0.place.name) } }
        return found
    }
}
