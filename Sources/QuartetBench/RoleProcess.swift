import ClientSupport
import Foundation
import QuartetStack

/// Roles in a process of their own, so that their memory and time can be told from the bench's. It ends with the bench,
/// however that ends.
final class RoleProcess {
    private let process: ChildProcess
    private let log: URL

    /// Starts `quartet run ROLES` with `environment`.
    init(roles: [String], environment: [String: String], log: URL) throws {
        self.log = log
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let variables = environment.map { "\($0.key)=\($0.value)" }
        process = try ChildProcess(
            ["/usr/bin/env"] + variables + [program, "run"] + roles, log: log, orphanSignal: "TERM")
    }

    /// Ends it and waits until it is gone.
    func stop() async {
        process.signal(SIGTERM)
        await process.waitForEnd()
    }

    var isRunning: Bool { process.end == nil }

    var lastLogLine: String {
        let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").last.map(String.init) ?? ""
    }

    /// User and system time so far.
    func cpuTime() throws -> Duration {
        let text = try String(contentsOfFile: "/proc/\(process.pid)/stat", encoding: .utf8)
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        let ticks = (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)
        return .milliseconds(ticks * 1000 / sysconf(Int32(_SC_CLK_TCK)))
    }

    func residentMegabytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) / 1024
    }
}
