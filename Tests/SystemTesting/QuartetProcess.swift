import ClientSupport
package import Foundation
package import QuartetStack

/// A process that a test starts. Nothing is in its environment but what the test gives it, and it never outlives the test
/// process.
package final class TestProcess: Sendable {
    package let name: String
    private let child: ChildProcess
    private let outputFile: URL
    private let logFile: URL

    /// - Parameters:
    ///   - command: the program, looked up in the path, and its arguments.
    ///   - folder: where its standard output and error are kept.
    package init(_ command: [String], environment: [String: String] = [:], folder: URL) throws {
        name = command.dropFirst().prefix { !$0.hasPrefix("-") }.joined(separator: " ")
        let file = folder.appendingPathComponent(UUID().uuidString)
        outputFile = file.appendingPathExtension("out")
        logFile = file.appendingPathExtension("log")
        let script = #"log=$1; shift; exec /usr/bin/env "$@" 2>"$log""#
        let variables = environment.map { "\($0.key)=\($0.value)" }
        child = try ChildProcess(
            ["/bin/sh", "-c", script, "sh", logFile.path] + variables + command, log: outputFile, orphanSignal: "TERM")
    }

    package var pid: pid_t { child.pid }

    /// How it ended; nil while it runs.
    package var end: ChildProcess.End? { child.end }

    package var output: String { Self.text(of: outputFile) }
    package var log: String { Self.text(of: logFile) }

    package func signal(_ signal: Int32) {
        child.signal(signal)
    }

    /// Returns how it ended.
    ///
    /// - Throws: `TestFailure` if it still runs after `timeout`.
    @discardableResult
    package func waitForEnd(within timeout: Duration = patience) async throws -> ChildProcess.End {
        await child.waitForEnd(until: .after(timeout))
        guard let end = child.end else {
            try Task.checkCancellation()
            throw TestFailure("\(name) still runs after \(timeout)\(lastWords)")
        }
        return end
    }

    /// Asks it to end by `signal` and returns how it did.
    @discardableResult
    package func stop(_ signal: Int32 = SIGTERM) async throws -> ChildProcess.End {
        self.signal(signal)
        return try await waitForEnd()
    }

    /// Ends it whatever it does, also when the caller is cancelled.
    package func kill() async {
        signal(SIGCONT)
        signal(SIGKILL)
        await Task { [child] in await child.waitForEnd() }.value
    }

    /// The end of what it said, for failures.
    package var lastWords: String {
        let lines = log.split(separator: "\n")
        // Of a crash what it was and where: registers and images, which come last, tell nobody anything.
        let crash = lines.firstIndex { $0.contains("Fatal error") || $0.contains("*** ") }
        let said = crash.map { lines[$0...].filter { !$0.isEmpty }.prefix(40) } ?? lines.suffix(8)[...]
        return said.isEmpty ? "" : "; it said last:\n" + said.joined(separator: "\n")
    }

    private static func text(of file: URL) -> String {
        (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    }
}

extension TestProcess {
    /// `quartet` with these arguments.
    package static func quartet(
        _ arguments: [String], environment: [String: String] = [:], folder: URL
    ) throws -> TestProcess {
        try TestProcess([quartetPath()] + arguments, environment: environment, folder: folder)
    }

    /// Runs a command to its end.
    ///
    /// - Throws: `TestFailure` unless it ends with status 0.
    package static func output(
        of command: [String], environment: [String: String] = [:], folder: URL
    ) async throws -> String {
        let process = try TestProcess(command, environment: environment, folder: folder)
        do {
            let end = try await process.waitForEnd()
            guard end == .status(0) else {
                let said = process.output.isEmpty ? "" : "\n" + process.output
                throw TestFailure("\(command.joined(separator: " ")) ended with \(end)\(process.lastWords)\(said)")
            }
            return process.output
        } catch {
            await process.kill()
            throw error
        }
    }

    /// The executable of this build: it lies beside the test's own.
    package static func quartetPath() throws -> String {
        let test = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(fileURLWithPath: test).deletingLastPathComponent().appendingPathComponent("quartet").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw TestFailure("\(path) is not there; build it with: swift build --build-tests")
        }
        return path
    }
}
