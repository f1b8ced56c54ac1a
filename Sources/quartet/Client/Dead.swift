import ArgumentParser
import Foundation

/// Looks after analyses that failed.
struct Dead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, show, retry or drop analyses that failed.",
        discussion: """
            An analysis fails when its last attempt did. Retrying begins it again, from the cards that are stored. \
            Dropping one makes it cancelled, for those that nobody waits for.
            """,
        subcommands: [DeadList.self, DeadShow.self, DeadRetry.self, DeadDrop.self], defaultSubcommand: DeadList.self)
}

struct DeadList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List them, oldest first.")

    @OptionGroup var options: ClientOptions

    @Flag(help: "Print them as JSON, one a line.")
    var json = false

    func run() async throws {
        let dead = try await options.client().allDead()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            for analysis in dead { Terminal.out(String(decoding: try encoder.encode(analysis), as: UTF8.self)) }
            return
        }
        guard !dead.isEmpty else { return Terminal.say("no analysis failed") }
        let rows = dead.map { analysis in
            [
                analysis.id, analysis.productID, analysis.attempts.map(String.init) ?? "?", analysis.failedAt ?? "",
                ResultView.oneLine(analysis.error),
            ]
        }
        for line in TextTable(header: ["ANALYSIS", "PRODUCT", "ATTEMPTS", "FAILED AT", "ERROR"], rows: rows).lines {
            Terminal.out(line)
        }
    }
}

struct DeadShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one with all of its error.")

    @OptionGroup var options: ClientOptions

    @Argument(help: "The analysis's id.")
    var id: String

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() async throws {
        let (analysis, document) = try await options.client().dead(id)
        if json { return Terminal.out(document) }
        let cards = analysis.cards.map(String.init) ?? "?"
        let fields = [
            ("analysis", analysis.id), ("product", analysis.productID),
            ("attempts", analysis.attempts.map(String.init) ?? "?"),
            ("generation", analysis.generation.map(String.init) ?? "?"),
            ("asked for", analysis.createdAt ?? ""), ("failed at", analysis.failedAt ?? ""),
            ("cards", analysis.reviews.map { "\(cards) of \($0)" } ?? cards), ("error", analysis.error),
        ]
        for (name, value) in fields {
            Terminal.out(name.padding(toLength: 12, withPad: " ", startingAt: 0) + value)
        }
    }
}

/// Which of the failed analyses a command is about.
struct DeadSelection: ParsableArguments {
    @Argument(help: "Ids of analyses.")
    var ids: [String] = []

    @Flag(help: "Every analysis that failed.")
    var all = false

    func validate() throws {
        if all != ids.isEmpty { throw ValidationError("name analyses, or give --all") }
    }

    func ids(_ client: APIClient) async throws -> [String] {
        all ? try await client.allDead().map(\.id) : ids
    }
}

struct DeadRetry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Begin them again.",
        discussion: "Exits with 1 if one could not be retried.")

    @OptionGroup var options: ClientOptions
    @OptionGroup var selection: DeadSelection

    @Flag(help: "Print the analyses as JSON, one a line.")
    var json = false

    func run() async throws {
        let client = try options.client()
        try await changeEach(selection.ids(client), json: json, done: "queued") { try await client.retry($0) }
    }
}

struct DeadDrop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop", abstract: "Make them cancelled: nobody waits for them.",
        discussion: "Exits with 1 if one could not be dropped.")

    @OptionGroup var options: ClientOptions
    @OptionGroup var selection: DeadSelection

    @Flag(help: "Print the analyses as JSON, one a line.")
    var json = false

    func run() async throws {
        let client = try options.client()
        try await changeEach(selection.ids(client), json: json, done: "dropped") { try await client.drop($0) }
    }
}

/// Rows of text under each other, each column as wide as it needs to be.
struct TextTable {
    let header: [String]
    let rows: [[String]]

    var lines: [String] {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let cells = row.enumerated().map { column, text in
                column == row.count - 1 ? text : text.padding(toLength: widths[column], withPad: " ", startingAt: 0)
            }
            return cells.joined(separator: "  ")
        }
    }
}
