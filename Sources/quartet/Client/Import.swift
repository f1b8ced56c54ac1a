import ArgumentParser
import Foundation
import NIOCore
import NIOHTTP1

/// Sends a file of one resource's rows to the API.
struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send a file of a resource's rows to the API.",
        discussion: """
            FILE has a JSON object a line, or comma-separated values with a header where it ends in .csv or .csv.gz; - is
            standard input. Each row is made as it is given; sending a file again changes nothing. The first row that can't
            be taken ends it, unless it is to keep going: then what was left out is told, and the status is 1.
            """)

    @OptionGroup var options: ClientOptions

    @Argument(help: "What they are, such as products or categories.")
    var resource: String

    @Argument(help: "A .jsonl or .csv file, gzipped or not, or -.")
    var file: String

    @Flag(help: "Leave out what can't be taken, and go on.")
    var keepGoing = false

    @Option(help: "List what was left out there, with the reasons.", completion: .file())
    var rejects: String?

    @Flag(help: "Print the totals as JSON.")
    var json = false

    private struct Totals: Codable {
        var rows = 0
        var changed = 0
        var rejected = 0
    }

    func run() async throws {
        let client = try options.client()
        let parts = try ImportParts(path: file)
        let rejects = try Rejects(of: file, listedIn: rejects)
        let bar = ProgressBar("import", unit: "rows")
        var totals = Totals()
        try await withThrowingTaskGroup(of: ImportAnswer.self) { group in
            var running = 0
            func collect() async throws {
                guard let answer = try await group.next() else { return }
                running -= 1
                totals.rows += answer.received
                totals.changed += answer.changed
                bar.advance(part: parts.partRead, note: "· \(totals.rows) rows")
            }
            while let part = try parts.next() {
                if running == 2 { try await collect() }
                group.addTask { try await send(part, client, rejects, bar) }
                running += 1
            }
            while running > 0 { try await collect() }
        }
        bar.finish()
        totals.rejected = rejects.total
        try show(totals)
        if totals.rejected > 0 { throw ExitCode(1) }
    }

    private func send(
        _ part: ImportParts.Part, _ client: APIClient, _ rejects: Rejects, _ bar: ProgressBar
    ) async throws -> ImportAnswer {
        let answer: ImportAnswer
        do {
            answer = try await client.importRows(
                part.body, of: resource, type: part.type, isLenient: keepGoing)
        } catch let error as ClientError where error.isAboutTheData && !keepGoing {
            throw ClientError(
                "\(file), in the rows from line \(part.firstLine) on: \(error.description)", status: error.status)
        }
        for refused in answer.refused {
            let row = part.row(atBodyLine: refused.line)
            try rejects.add(
                Rejects.Reject(line: row?.line ?? part.firstLine, reason: refused.detail, text: row?.text ?? ""),
                bar: bar)
        }
        return answer
    }

    private func show(_ totals: Totals) throws {
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            Terminal.out(String(decoding: try encoder.encode(totals), as: UTF8.self))
        } else {
            let leftOut = totals.rejected > 0 ? ", \(totals.rejected) left out" : ""
            Terminal.out("\(totals.rows) rows, \(totals.changed) of them new or changed\(leftOut)")
        }
    }
}

/// What an import of some rows came to.
struct ImportAnswer: Decodable, Sendable {
    struct Refused: Decodable, Sendable {
        /// Of the body, from 1.
        let line: Int
        let detail: String
    }

    let received: Int
    let changed: Int
    let refused: [Refused]
}

extension APIClient {
    func importRows(
        _ rows: ByteBuffer, of resource: String, type: String, isLenient: Bool
    ) async throws -> ImportAnswer {
        guard resource.allSatisfy({ $0.isASCII && ($0.isLetter || $0 == "_") }) else {
            throw ClientError("\(resource) is no resource", status: 404)
        }
        return try await decode(
            call(
                .POST, "/v1/\(resource):import", body: rows, contentType: type,
                headers: isLenient ? [("Prefer", "handling=lenient")] : []))
    }
}
