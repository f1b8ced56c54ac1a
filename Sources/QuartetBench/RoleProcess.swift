import Foundation
import StoreKit

/// Roles in a process of their own, so that their memory and time can be told from the bench's.
final class RoleProcess {
    private let process = Process()
    private let log: FileHandle
    private let logPath: String

    /// Starts `quartet run ROLES` with `environment` above the present one.
    init(roles: [String], environment: [String: String], logPath: String) throws {
        self.logPath = logPath
        guard FileManager.default.createFile(atPath: logPath, contents: nil),
            let log = FileHandle(forWritingAtPath: logPath)
        else { throw BenchError("\(logPath) can't be written") }
        self.log = log
        process.executableURL = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe").asFileURL
        process.arguments = ["run"] + roles
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        try process.run()
    }

    /// Ends it and waits until it is gone.
    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    var isRunning: Bool { process.isRunning }

    var lastLogLine: String {
        let text = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").last.map(String.init) ?? ""
    }

    /// User and system time so far.
    func cpuTime() throws -> Duration {
        let text = try String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        let ticks = (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)
        return .milliseconds(ticks * 1000 / sysconf(Int32(_SC_CLK_TCK)))
    }

    func residentMegabytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) / 1024
    }
}

extension String {
    fileprivate var asFileURL: URL { URL(fileURLWithPath: self) }
}
