import Foundation
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// What a command does whose output goes nowhere.
@Suite(.timeLimit(.minutes(3))) struct OutputTests {
    /// A command that needs no server.
    private static let plan = "chaos --plan --seed 1 --minutes 60"

    private func run(_ script: String) async throws -> TestProcess {
        let folder = try TemporaryFolder.make()
        let process = try TestProcess(
            ["/bin/sh", "-c", script], environment: ["QUARTET": TestProcess.quartetPath()], folder: folder)
        try await process.waitForEnd()
        return process
    }

    /// The lines of its log, without those that libmongoc prints before `main`: it does when another program with the same
    /// process number was killed.
    private func said(_ process: TestProcess) -> [Substring] {
        process.log.split(separator: "\n").filter { !$0.contains("mongoc:") }
    }

    @Test(arguments: ["", "--json"]) func aResultThatCannotBeWrittenIsAnError(_ option: String) async throws {
        let full = try await run("\"$QUARTET\" \(Self.plan) \(option) > /dev/full")
        #expect(full.end == .status(1))
        #expect(said(full) == ["Error: the result can't be written: No space left on device"])
        let closed = try await run("\"$QUARTET\" \(Self.plan) \(option) >&-")
        #expect(closed.end == .status(1))
        #expect(said(closed) == ["Error: the result can't be written: Bad file descriptor"])
    }

    @Test func aReaderWhoLeavesEndsTheWork() async throws {
        let process = try await run("{ \"$QUARTET\" \(Self.plan); echo status $? >&2; } | head -n 1")
        #expect(process.log.hasSuffix("status 1\n"), "\(process.log)")
        #expect(process.output.split(separator: "\n").count == 1)
    }

    /// F_SETPIPE_SZ, which the C library declares for GNU sources only.
    private let setPipeSize: Int32 = 1031

    /// Its log pipe fills and nobody reads it any more: calls are answered, and it stops when it is told to.
    @Test func aRoleOutlivesTheReaderOfItsLog() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let log = system.folder.appendingPathComponent("log").path
            #expect(mkfifo(log, 0o600) == 0)
            let reader = open(log, O_RDWR | O_NONBLOCK | O_CLOEXEC)
            defer { close(reader) }
            _ = fcntl(reader, setPipeSize, 4_096)
            let command = ["/bin/sh", "-c", #"exec "$2" run serve --port 0 2>"$1""#, "sh", log]
            let process = try TestProcess(
                command + [TestProcess.quartetPath()],
                environment: system.environment.merging(["LOG_LEVEL": "trace"]) { $1 }, folder: system.folder)
            var said = ""
            let url = try await eventually("serve listens") { () -> String? in
                var bytes = [UInt8](repeating: 0, count: 65_536)
                let count = read(reader, &bytes, bytes.count)
                if count > 0 { said += String(decoding: bytes[..<count], as: UTF8.self) }
                return said.firstMatch(of: /url=(http:\S+) .*listening/).map { String($0.output.1) }
            }
            let shop = Shop(url: url, key: QuartetSystem.apiKey)
            for _ in 0..<500 { #expect(try await shop.call(.get, "/v1/products").status == 200) }
            #expect(try await process.stop() == .status(0))
        }
    }
}
