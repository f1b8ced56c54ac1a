import ClientSupport
import Foundation
import QuartetStack

/// One copy of a role, in a process of its own that may be killed, frozen and started again.
actor RoleCopy {
    nonisolated let name: String
    private let role: String
    private let environment: [String: String]
    private let log: URL
    private var process: ChildProcess?
    /// How much of the log is from earlier processes.
    private var logStart = 0
    private var knownURL: String?
    /// A process that ended although nobody asked it to.
    private(set) var unexpectedEnds: [String] = []

    /// - Parameter environment: of the process with a name.
    init(role: String, number: Int, folder: URL, environment: (_ name: String) -> [String: String]) {
        name = "\(role)-\(number)"
        self.role = role
        self.environment = environment(name)
        log = folder.appendingPathComponent("\(name).log")
    }

    func start() throws {
        noteEnd()
        guard process == nil else { return }
        logStart = text.utf8.count
        knownURL = nil
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let arguments = role == "serve" ? ["serve", "--port", "0"] : [role]
        process = try ChildProcess(
            ["/usr/bin/env"] + variables + [program] + arguments, log: log, orphanSignal: "KILL")
    }

    func kill() async {
        noteEnd()
        guard let process else { return }
        self.process = nil
        process.signal(SIGCONT)
        process.signal(SIGKILL)
        await process.waitForEnd()
    }

    func freeze() {
        noteEnd()
        process?.signal(SIGSTOP)
    }

    func thaw() { process?.signal(SIGCONT) }

    /// Asks it to stop; returns what went wrong where it does not do so in time, with status 0.
    func stop(within timeout: Duration) async -> String? {
        guard let process else { return nil }
        self.process = nil
        process.signal(SIGCONT)
        process.signal(SIGTERM)
        await process.waitForEnd(until: .after(timeout))
        guard let end = process.end else {
            process.signal(SIGKILL)
            return "\(name) did not stop within \(timeout): \(lastLine)"
        }
        return end == .status(0) ? nil : "\(name) ended with \(end): \(lastLine)"
    }

    /// Where it listens, nil while it does not.
    var url: String? {
        guard process != nil, process?.end == nil else { return nil }
        if let knownURL { return knownURL }
        let present = String(decoding: text.utf8.dropFirst(logStart), as: UTF8.self)
        knownURL = present.firstMatch(of: /url=(http:\S+) .*listening/).map { String($0.output.1) }
        return knownURL
    }

    private func noteEnd() {
        guard let end = process?.end else { return }
        unexpectedEnds.append("\(name) ended with \(end): \(lastLine)")
        process = nil
    }

    private var lastLine: String { text.split(separator: "\n").last.map(String.init) ?? "" }

    private var text: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
}
