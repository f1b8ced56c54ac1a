import ArgumentParser
import Foundation

/// Looks after the keys of the API's callers.
struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, list or revoke keys of the API's callers.",
        discussion: """
            QUARTET_API_KEY stays good for everything. A key of scope read is for calls that change nothing, write for \
            changes too, admin for settings and keys too. Every copy of the API knows of a new key, and refuses a revoked \
            one, within five seconds.
            """,
        subcommands: [KeysCreate.self, KeysList.self, KeysRevoke.self], defaultSubcommand: KeysList.self)
}

enum KeyScope: String, CaseIterable, ExpressibleByArgument {
    case read, write, admin
}

struct KeysCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a key, and print it: nobody can look it up later.")

    @OptionGroup var options: ClientOptions

    @Argument(help: "A name that no key has had yet; histories go by it.")
    var name: String

    @Option(help: "What it is good for.")
    var scope = KeyScope.read

    @Option(help: "For how long it is good, such as 30d; for ever otherwise.")
    var expiresIn: TimeSpan?

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() async throws {
        let end = expiresIn.map { Date.now.addingTimeInterval(Double($0.duration.components.seconds)) }
        let (key, document) = try await options.client().createKey(
            name: name, scope: scope.rawValue, expiresAt: end)
        Terminal.out(json ? document : key.key ?? "")
        if !json { Terminal.say("\(key.id): \(key.name), \(key.scope)\(key.expiresAt.map { ", until \($0)" } ?? "")") }
    }
}

struct KeysList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List them, without what is secret.")

    @OptionGroup var options: ClientOptions

    @Flag(help: "Print them as JSON, one a line.")
    var json = false

    func run() async throws {
        let keys = try await options.client().keys()
        if json {
            for key in keys { Terminal.out(try JSONLine.text(key)) }
            return
        }
        guard !keys.isEmpty else { return Terminal.say("no keys but QUARTET_API_KEY") }
        let rows = keys.map { key in
            let state = key.revokedAt.map { "revoked \($0)" } ?? key.expiresAt.map { "until \($0)" } ?? ""
            return [key.id, key.scope, key.createdAt, key.createdBy, key.lastUsedAt ?? "never", state, key.name]
        }
        let header = ["KEY", "SCOPE", "MADE AT", "BY", "LAST USED", "", "NAME"]
        for line in TextTable(header: header, rows: rows).lines { Terminal.out(line) }
    }
}

struct KeysRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revoke keys.",
        discussion: "Revoking again changes nothing. Exits with 1 if one could not be revoked.")

    @OptionGroup var options: ClientOptions

    @Argument(help: "Ids of keys, such as qk_0123456789abcdef.")
    var ids: [String]

    @Flag(help: "Print the keys as JSON, one a line.")
    var json = false

    func run() async throws {
        let client = try options.client()
        try await changeEach(ids, json: json, done: "revoked") { try await client.revokeKey($0) }
    }
}
