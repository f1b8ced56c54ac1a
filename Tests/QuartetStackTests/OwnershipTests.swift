import ClientSupport
import Foundation
import Testing

@testable import QuartetStack

@Suite("A folder of servers")
struct OwnershipTests {
    @Test("has one owner: the second is told the first one's pid")
    func secondOwnerIsRefused() async throws {
        let folder = try Probe.makeFolder("owned")
        let first = RedisServer(directory: folder, options: .fast)
        try await first.start()
        let error = await #expect(throws: StackError.self) {
            try await RedisServer(directory: folder, options: .fast).start()
        }
        #expect(error?.code == .inUse)
        #expect(error?.message == "\(folder.path)/redis is in use by process \(getpid())")
        #expect(try Probe.redis("PING", on: first, replyCount: 7) == "+PONG\r\n")
        await first.stop()
    }

    @Test("is free again when a start was cancelled, with no process left behind")
    func cancelledStart() async throws {
        let folder = try Probe.makeFolder("cancelled")
        let server = PostgresServer(directory: folder, options: .fast)
        let start = Task { try await server.start() }
        let data = ServerFolder(root: folder, name: "postgres").data
        #expect(await Probe.eventually { FileManager.default.fileExists(atPath: data.path) })
        start.cancel()
        await #expect(throws: CancellationError.self) { try await start.value }
        #expect(LoopbackPort.isFree(server.port))
        try await server.start()
        #expect(try Probe.sql("SELECT 1", on: server) == ["1"])
        await server.stop()
    }

    @Test("is left by its servers when the owner is killed")
    func ownerKilled() async throws {
        let folder = try Probe.makeFolder("orphaned")
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let folder = URL(fileURLWithPath: path)
            try await PostgresServer(directory: folder, options: .fast).start()
            let redis = RedisServer(directory: folder, options: .durable)
            try await redis.start()
            _ = try Probe.redis("SET kept 42", on: redis, replyCount: 5)
            raise(SIGKILL)
        }
        for name in ["postgres", "redis"] {
            let pid = try Probe.pid(of: name, in: folder)
            #expect(await Probe.eventually { !ProcessTable.isAlive(pid) }, "\(name) outlives its owner")
        }
        let redis = RedisServer(directory: folder, options: .fast)
        try await redis.start()
        #expect(try Probe.redis("GET kept", on: redis, replyCount: 8) == "$2\r\n42\r\n")
        await redis.stop()
    }

    @Test("is left even by a server that was only being started when its owner died")
    func ownerDiesWhileStarting() async throws {
        let folder = try Probe.makeFolder("early")
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let output = open(path + "/output", O_WRONLY | O_CREAT, 0o600)
            let watchdog = try Watchdog.shared()
            let sleeper = ["/bin/sh", "-c", "echo $$; exec sleep 600"]
            let command = ["/bin/sh", "-c", ChildProcess.script, "sh", "TERM"] + sleeper
            _ = try spawn(command, output: output, control: watchdog.socket)
            raise(SIGKILL)
        }
        let output = folder.appendingPathComponent("output")
        func pid() throws -> pid_t? {
            pid_t(try String(contentsOf: output, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines))
        }
        // A process that was ended before it could say its pid is not left either.
        guard try await Probe.eventually(within: .seconds(5), { try pid() != nil }) else { return }
        let early = try #require(try pid())
        #expect(await Probe.eventually { !ProcessTable.isAlive(early) })
    }

    @Test("is cleared of a server whose owner died together with its watchdog")
    func leftoverIsEnded() async throws {
        let folder = try Probe.makeFolder("leftover")
        let place = ServerFolder(root: folder, name: "redis")
        try place.create()
        try FileManager.default.createDirectory(at: place.data, withIntermediateDirectories: true)
        let port = try LoopbackPort.free()
        let leftover = try ChildProcess(
            [ServerProgram.redis(), "--port", "\(port)", "--dir", place.data.path, "--set-proc-title", "no"],
            log: place.log, orphanSignal: "KILL")
        try place.remember(process: leftover.pid)
        #expect(await Probe.eventually { !LoopbackPort.isFree(port) })

        let server = RedisServer(directory: folder, options: .fast)
        try await server.start()
        await leftover.waitForEnd(until: .after(.seconds(5)))
        #expect(leftover.end == .status(0))
        await server.stop()
    }

    @Test("holds no descriptor of its owner but its log")
    func descriptors() async throws {
        let folder = try Probe.makeFolder("descriptors")
        let inherited = open("/dev/null", O_RDONLY)
        defer { close(inherited) }
        #expect(fcntl(inherited, F_GETFD) == 0, "it is closed by nobody but who starts the server")
        let output = folder.appendingPathComponent("output")
        #expect(try await ServerCommand.run(["/bin/sh", "-c", "cd /proc/self/fd && echo *"], log: output))
        // The shell itself has the folder open while it lists it.
        #expect(try String(contentsOf: output, encoding: .utf8) == "0 1 2 3\n")
    }

    @Test("never costs a process its life that is not one of its servers")
    func strangerIsSpared() async throws {
        let folder = try Probe.makeFolder("stranger")
        let place = ServerFolder(root: folder, name: "redis")
        try place.create()
        let stranger = try ChildProcess(["/bin/sleep", "600"], log: place.log, orphanSignal: "KILL")
        try place.remember(process: stranger.pid)
        let server = RedisServer(directory: folder, options: .fast)
        try await server.start()
        await server.stop()
        #expect(stranger.end == nil)
        stranger.signal(SIGKILL)
        await stranger.waitForEnd()
        #expect(stranger.end == .signal(SIGKILL))
    }

    @Test("that the server's user may not enter is refused with the name of the step that bars it")
    func unreachableFolder() async throws {
        let barred = try Probe.makeFolder("barred")
        chmod(barred.path, 0o700)
        let server = PostgresServer(directory: barred.appendingPathComponent("inside"), options: .fast)
        if geteuid() == 0 {
            let error = await #expect(throws: StackError.self) { try await server.start() }
            #expect(error?.code == .cannotUseDirectory)
            #expect(error?.message.contains("the server runs as postgres, who may not enter \(barred.path);") == true)
        } else {
            // The server runs as this user, who may enter.
            try await server.start()
            await server.stop()
        }
    }
}
