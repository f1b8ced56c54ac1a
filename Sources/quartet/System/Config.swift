import ArgumentParser
import Foundation
import NIOCore

/// Looks after the settings that count while processes run.
struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, set or reset what running processes pick up without a restart.",
        discussion: """
            What is set counts over what the processes were started with, within five seconds; resetting takes it back. \
            `list` shows both, and which of them counts.
            """,
        subcommands: [ConfigList.self, ConfigGet.self, ConfigSet.self, ConfigReset.self, ConfigHistory.self],
        defaultSubcommand: ConfigList.self)
}

struct ConfigList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List all settings.")

    @OptionGroup var options: ClientOptions

    @Flag(help: "Print them as JSON.")
    var json = false

    func run() async throws {
        let (settings, document) = try await options.client().settings()
        if json { return Terminal.out(String(buffer: document)) }
        let rows = settings.map { setting in
            [
                setting.key, setting.value.description, setting.fallback.description,
                setting.source == "system_config" ? "set" : "", setting.roles.joined(separator: ", "), setting.allowed,
            ]
        }
        for line in TextTable(header: ["KEY", "VALUE", "DEFAULT", "", "ROLES", "ALLOWED"], rows: rows).lines {
            Terminal.out(line)
        }
    }
}

struct ConfigGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Show one setting.")

    @OptionGroup var options: ClientOptions

    @Argument(help: "The key, such as aging.interval.")
    var key: String

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() async throws {
        let (setting, document) = try await options.client().setting(key)
        if json { return Terminal.out(document) }
        let fields = [
            ("key", setting.key), ("value", setting.value.description), ("default", setting.fallback.description),
            ("counts", setting.source == "system_config" ? "what is set" : "what processes were started with"),
            ("allowed", setting.allowed), ("roles", setting.roles.joined(separator: ", ")),
            ("meaning", setting.description), ("version", String(setting.version)),
            ("changed", setting.changedAt.map { "\($0) by \(setting.changedBy ?? "")" } ?? "never"),
            ("why", setting.why ?? ""),
        ]
        for (name, value) in fields where !value.isEmpty {
            Terminal.out(name.padding(toLength: 9, withPad: " ", startingAt: 0) + value)
        }
    }
}

/// Under which condition a setting is changed, and why.
struct ConfigChangeOptions: ParsableArguments {
    @Option(help: "Why, for the history.")
    var why: String?

    @Option(help: "Change it only if it is at this version.")
    var ifVersion: Int64?

    @Flag(help: "Print the setting as JSON.")
    var json = false

    func report(_ document: String) throws {
        guard !json else { return Terminal.out(document) }
        let setting = try JSONDecoder().decode(SettingAnswer.self, from: Data(document.utf8))
        Terminal.out("\(setting.key): \(setting.value)")
    }
}

struct ConfigSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set one, for all processes that run.")

    @OptionGroup var options: ClientOptions

    @Argument(help: "The key, such as aging.interval.")
    var key: String

    @Argument(help: "The value, as a configuration file has it.")
    var value: String

    @OptionGroup var change: ConfigChangeOptions

    func run() async throws {
        try change.report(
            await options.client().set(key, to: value, why: change.why, ifVersion: change.ifVersion))
    }
}

struct ConfigReset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset", abstract: "Take back what is set: what processes were started with counts again.")

    @OptionGroup var options: ClientOptions

    @Argument(help: "The key, such as aging.interval.")
    var key: String

    @OptionGroup var change: ConfigChangeOptions

    func run() async throws {
        try change.report(await options.client().reset(key, why: change.why, ifVersion: change.ifVersion))
    }
}

struct ConfigHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Who changed a setting, when and why; the latest first.")

    @OptionGroup var options: ClientOptions

    @Argument(help: "The key, such as aging.interval.")
    var key: String

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() async throws {
        let (changes, document) = try await options.client().settingHistory(key)
        if json { return Terminal.out(document) }
        let rows = changes.map { change in
            [
                change.changedAt, change.changedBy, change.old?.description ?? "-", change.new?.description ?? "-",
                change.why ?? "",
            ]
        }
        for line in TextTable(header: ["AT", "BY", "FROM", "TO", "WHY"], rows: rows).lines { Terminal.out(line) }
    }
}
