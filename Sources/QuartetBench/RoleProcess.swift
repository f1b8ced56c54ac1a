import ClientSupport
import Foundation
import NIOCore
import QuartetStack

/// Roles in a process of their own, so that their memory and time can be told from the bench's. It ends with the bench,
/// however that ends.
final class RoleProcess: Sendable {
    private let process: ChildProcess
    private let log: URL

    /// Starts `quartet run ROLES` with `environment`.
    ///
    /// - Parameter program: another build's, where it is not this one.
    init(program: String? = nil, roles: [String], environment: [String: String], log: URL) throws {
        self.log = log
        let program = try program ?? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let variables = environment.map { "\($0.key)=\($0.value)" }
        process = try ChildProcess(
            ["/usr/bin/env"] + variables + [program, "run"] + roles, log: log, orphanSignal: "TERM")
    }

    /// Ends it and waits until it is gone.
    func stop() async {
        process.signal(SIGTERM)
        await process.waitForEnd()
    }

    func signal(_ signal: Int32) { process.signal(signal) }

    /// Ends it at once.
    func kill() async {
        process.signal(SIGKILL)
        await process.waitForEnd()
    }

    /// Returns once `/healthz` answers.
    func untilServing(port: Int) async throws {
        let deadline = Deadline.after(.seconds(30))
        let probe = ClosedLoop(
            port: port, callers: 1, requests: [ByteBuffer(string: "GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n")])
        while (try? await probe.run(count: 1)) == nil {
            guard isRunning, !deadline.isPast else {
                throw BenchError("the roles did not start: \(lastLogLine)")
            }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(50)))
        }
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
