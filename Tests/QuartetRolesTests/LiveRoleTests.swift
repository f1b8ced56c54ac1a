import Foundation
import Logging
import QuartetCore
import QuartetTesting
import Synchronization
import Testing

@testable import QuartetRoles

/// A configuration that a test changes.
private final class Box<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    var live: Live<Value> { Live(reading: { self.value.withLock { $0 } }) }

    func change(_ body: (inout sending Value) -> Void) { value.withLock { body(&$0) } }
}

/// Rows without end, and a signal for each turn.
private struct Turns: AgingSource {
    let name = "things"
    let begun: AsyncStream<Int>.Continuation

    func next(new: Int, old: Int) async throws -> [AgingRow] {
        begun.yield(new)
        return (0..<new).map { AgingRow(id: "\($0)", json: []) }
    }

    func stamp(_ ids: [String]) async throws {}
    func turns() async throws -> AgingTurns { AgingTurns(rows: 0, new: 0, oldest: nil) }
    func forgetTurns(after id: String, limit: Int) async throws -> (id: String, count: Int)? { nil }
}

/// Roles that run go by what their configuration is by then.
@Suite("Live roles", .timeLimit(.minutes(3))) struct LiveRoleTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("a turn that was to last a day ends when turns become short, and has as many rows as it is told")
    func aging() async throws {
        var configuration = AgingConfiguration()
        configuration.interval = .seconds(86_400)
        let box = Box(configuration)
        let (turns, begun) = AsyncStream.makeStream(of: Int.self)
        let store = FakeAgingCacheStore()
        let refresher = AgingRefresher(
            configuration: box.live, source: Turns(begun: begun), store: store, logger: logger)
        let running = Task { try await refresher.run() }
        var iterator = turns.makeAsyncIterator()
        #expect(await iterator.next() == 500)
        box.change {
            $0.interval = .milliseconds(1)
            $0.newRows = 7
        }
        #expect(await iterator.next() == 7)
        running.cancel()
        try await running.value
    }

    @Test("a turn of its own that was taken for a day is given up when turns become short")
    func longTurn() async throws {
        var configuration = AgingConfiguration()
        configuration.interval = .seconds(10)
        let store = FakeAgingCacheStore()
        let (_, begun) = AsyncStream.makeStream(of: Int.self)
        let refresher = AgingRefresher(
            configuration: Live(configuration), source: Turns(begun: begun), store: store, logger: logger)
        #expect(try await store.takeTurn(of: "things", for: .seconds(86_400)) == nil)
        #expect(try await refresher.runOnce() == nil)
        #expect(try await refresher.runOnce() != nil)
    }

    @Test("a worker claims as many tasks as it is told by then")
    func worker() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        for _ in 0..<5 { _ = try await system.submit() }
        var configuration = system.configuration
        configuration.tasksMax = 1
        let box = Box(configuration)
        let worker = Worker(identity: "w", configuration: box.live, ports: system.ports, logger: system.logger)
        #expect(try await worker.runOnce() == 1)
        box.change { $0.tasksMax = 3 }
        #expect(try await worker.runOnce() == 3)
        #expect(try await worker.runOnce() == 1)
    }

    @Test("a relay reads as many rows as it is told by then")
    func relay() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        for _ in 0..<8 {
            _ = try await system.requests.submit([Submission(id: .make(), productID: system.product)])
        }
        var configuration = RelayConfiguration()
        configuration.rowsPerBatchMax = 1
        let box = Box(configuration)
        let relay = Relay(
            database: "fake", configuration: box.live, outbox: system.outbox, delivery: system.queueDelivery,
            logger: system.logger)
        try await relay.holdShards()
        let few = try await relay.runOnce()
        box.change { $0.rowsPerBatchMax = 100 }
        let many = try await relay.runOnce()
        #expect(few < many, "\(few) \(many)")
    }
}
