import Foundation
import QuartetStack
import SystemTesting

/// `quartet dev` on a data folder, found as its users find it.
struct DevRun {
    let process: TestProcess
    /// What stack.env says.
    let environment: [String: String]
    let data: URL

    var shop: Shop { Shop(url: environment["QUARTET_API_URL"] ?? "", key: environment["QUARTET_API_KEY"] ?? "") }

    /// Starts it and waits until it says that it runs.
    static func start(
        data: URL, folder: URL, arguments: [String] = [], settings: [String: String] = [:]
    ) async throws -> DevRun {
        let process = try TestProcess.quartet(
            ["dev", "--data", data.path] + arguments, environment: settings, folder: folder)
        do {
            try await eventually("dev runs") {
                if let end = process.end { throw TestFailure("dev ended with \(end)\(process.lastWords)") }
                return process.log.contains("Quartet runs at")
            }
            return DevRun(process: process, environment: try read(data.appendingPathComponent("stack.env")), data: data)
        } catch {
            await process.kill()
            throw error
        }
    }

    /// Runs `body` and stops everything by `signal`, which it must follow.
    static func with(
        data: URL, folder: URL, stoppedBy signal: Int32, arguments: [String] = [],
        settings: [String: String] = [:],
        _ body: (DevRun) async throws -> Void
    ) async throws -> ChildProcess.End {
        let dev = try await start(data: data, folder: folder, arguments: arguments, settings: settings)
        do {
            try await body(dev)
            return try await dev.process.stop(signal)
        } catch {
            await dev.process.kill()
            throw error
        }
    }

    /// Runs one of the command-line clients to its end and returns its output.
    func client(_ arguments: [String], folder: URL) async throws -> String {
        let url = "http://127.0.0.1:9"  // Only the environment says the right one.
        return try await TestProcess.output(
            of: [TestProcess.quartetPath()] + arguments,
            environment: ["QUARTET_API_URL": url].merging(environment) { $1 }, folder: folder)
    }

    /// All processes whose command line names a data folder, `dev` itself among them.
    static func processes(naming data: URL) throws -> [(pid: pid_t, command: String)] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.compactMap { pid in
            guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return nil }
            let command = String(decoding: bytes, as: UTF8.self).replacing("\0", with: " ")
            return command.contains(data.path) ? (pid, command) : nil
        }
    }

    private static func read(_ file: URL) throws -> [String: String] {
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        return Dictionary(
            lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
                return (parts[0], parts.count == 2 ? unquoted(parts[1]) : "")
            }, uniquingKeysWith: { $1 })
    }

    private static func unquoted(_ word: String) -> String {
        word.replacing(#"'\''"#, with: "\u{0}").replacing("'", with: "").replacing("\u{0}", with: "'")
    }
}
