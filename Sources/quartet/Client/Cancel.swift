import ArgumentParser
import Foundation

/// Cancels analyses.
struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Cancel analyses.",
        discussion: "Cancelling again changes nothing. Exits with 1 if one could not be cancelled.")

    @OptionGroup var options: ClientOptions

    @Argument(help: "Ids of analyses.")
    var ids: [String]

    @Flag(help: "Print the analyses as JSON, one a line.")
    var json = false

    func run() async throws {
        let client = try options.client()
        try await changeEach(ids, json: json, done: "cancelled") { try await client.cancel($0) }
    }
}

/// Makes a change to each analysis and says what came of it, going on after one that was refused.
func changeEach(
    _ ids: [String], json: Bool, done: String, _ change: (String) async throws -> String
) async throws {
    var refused = 0
    for id in ids {
        do {
            let document = try await change(id)
            Terminal.out(json ? document : "\(id): \(done)")
        } catch let error as ClientError {
            refused += 1
            Terminal.say("\(id): \(error)")
        }
    }
    if refused > 0 { throw ExitCode(1) }
}
