import ClientSupport
import Foundation
import QuartetStack
import Synchronization

/// Two copies of the API, a relay and an invalidator, each a process of its own, and what is done to them.
final class StaleRoles: Sendable {
    let copies: [RoleProcess]
    private let invalidator: RoleProcess
    private let relay: Mutex<RoleProcess>
    private let start: @Sendable ([String], Int, String) throws -> RoleProcess

    init(stack: LocalStack, ports: [Int], key: String) throws {
        let environment = stack.environment
        let folder = stack.directory
        start = { roles, port, name in
            var environment = environment
            environment["QUARTET_API_KEY"] = key
            environment["QUARTET_API_PORT"] = String(port)
            environment["LOG_LEVEL"] = "notice"
            return try RoleProcess(
                roles: roles, environment: environment, log: folder.appendingPathComponent("\(name).log"))
        }
        copies = try ports.enumerated().map { [start] in try start(["serve"], $0.element, "serve-\($0.offset)") }
        invalidator = try start(["invalidate"], 0, "invalidate")
        relay = Mutex(try start(["relay"], 0, "relay"))
    }

    func pauseInvalidators() { invalidator.signal(SIGSTOP) }
    func resumeInvalidators() { invalidator.signal(SIGCONT) }

    /// So many writes at least are made around each of what is done.
    private static let writesPerRound = 20_000

    /// At parts of the writes, again and again where there are many: the invalidator is paused for a while, the relay killed, a
    /// snapshot of Redis taken and gone back to.
    func harm(stack: LocalStack, writes: Int, written: @escaping @Sendable () -> Int) async throws {
        let rounds = max(1, writes / Self.writesPerRound)
        for round in 0..<rounds {
            let (first, count) = (Double(round * writes / rounds), Double(writes / rounds))
            try await harm(stack: stack, round: round) { part in
                while Double(written()) < first + part * count {
                    try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(20)))
                }
            }
        }
    }

    private func harm(stack: LocalStack, round: Int, reached: (Double) async throws -> Void) async throws {
        try await reached(0.15)
        pauseInvalidators()
        try await reached(0.35)
        resumeInvalidators()
        try await reached(0.45)
        await relay.withLock { $0 }.kill()
        let next = try start(["relay"], 0, "relay-\(round + 2)")
        relay.withLock { $0 = next }
        try await reached(0.6)
        let snapshot = try RedisSnapshot(of: stack)
        try await reached(0.75)
        await stack.redis.kill()
        try snapshot.restore()
        try await stack.redis.start()
        try snapshot.remove()
    }

    func stop() async {
        resumeInvalidators()
        for process in copies + [invalidator, relay.withLock { $0 }] { await process.stop() }
    }
}

/// The files of Redis as they were.
private struct RedisSnapshot {
    private let data: URL
    private let copy: URL

    init(of stack: LocalStack) throws {
        data = stack.directory.appendingPathComponent("redis/data", isDirectory: true)
        copy = stack.directory.appendingPathComponent("redis-snapshot", isDirectory: true)
        try FileManager.default.copyItem(at: data, to: copy)
    }

    func remove() throws { try FileManager.default.removeItem(at: copy) }

    func restore() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: data.path) {
            try FileManager.default.removeItem(at: data.appendingPathComponent(name))
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: copy.path) {
            try FileManager.default.copyItem(
                at: copy.appendingPathComponent(name), to: data.appendingPathComponent(name))
        }
    }
}
