import ClientSupport
package import Foundation
package import QuartetCore
import Synchronization

/// The database that ``FakeRequestStore``, ``FakeProductStore``, ``FakeOutboxStore`` and the checker's check stores share, in
/// memory: what one of them writes to the outbox another one reads.
///
/// Each call is one transaction with a number and a time of its own. A test can hold a transaction open, move the time,
/// and make calls fail before or after they took effect.
package final class FakeDatabase: Sendable {
    /// A call of one of the three stores, or of a check store that reads or mends.
    package enum Call: Sendable, Hashable, CaseIterable {
        case submit, requests, finalise, fail, cancel, drop, retry, results, latestResults
        case put, products
        case holdShards, releaseShards, read, advance, oldestTransaction, backlog, purge
        case checkStore, mend
    }

    /// A cursor of one sink in one shard, and whose it is.
    struct Shard {
        var cursor = OutboxCursor()
        var owner: UUID?
        var ownedUntil = Date.distantPast
    }

    /// A row of results.
    struct ResultRow {
        let document: ResultDocument
        let version: Int64

        var stored: StoredResult {
            StoredResult(
                requestID: document.id, productID: document.productID, version: version, json: document.json)
        }
    }

    struct State {
        var products: [ProductID: Product] = [:]
        /// When each product was changed last.
        var productDates: [ProductID: Date] = [:]
        var requests: [RequestID: AnalysisRequest] = [:]
        var keys: [String: (request: RequestID, fingerprint: [UInt8])] = [:]
        var results: [RequestID: ResultRow] = [:]
        /// In the order in which they were written.
        var outbox: [OutboxRow] = []
        var cursors: [OutboxSink: [Int: Shard]] = [:]
        /// Until when each relay of a sink is believed to live.
        var relays: [OutboxSink: [UUID: Date]] = [:]
        var openTransactions: [UInt64: Date] = [:]
        /// Of each request, raised with each change.
        fileprivate var versions: [RequestID: Int64] = [:]
        /// The server's history, raised by a failover or a restore.
        var epoch = 1
        fileprivate var lastTransaction: UInt64 = 0
        fileprivate var lastRow: Int64 = 0
        fileprivate var lastMicroseconds: Int64 = 0
        fileprivate var listeners: [UUID: (sink: OutboxSink, bell: AsyncStream<OutboxBell>.Continuation)] = [:]
    }

    package let shardCount: Int
    private let now: @Sendable () -> Date
    private let faults = FaultPlan<Call>()
    private let state = Mutex(State())

    /// - Parameter now: the database's clock.
    package init(shardCount: Int = 8, now: @escaping @Sendable () -> Date = { Date() }) {
        self.shardCount = shardCount
        self.now = now
    }

    /// Makes the next call fail, or the next one of `call`. Failures wait in the order in which they were asked for.
    ///
    /// - Parameter tookEffect: the call does its work all the same, as when a connection is lost after the commit.
    package func failNext(_ call: Call? = nil, with error: any Error, tookEffect: Bool = false) {
        faults.failNext(call, with: error, tookEffect: tookEffect)
    }

    package var requestCount: Int { state.withLock { $0.requests.count } }

    /// Begins a transaction that has written rows and does not commit until ``commit(_:)``.
    package func beginTransaction(writing events: [DomainEvent]) -> FakeTransaction {
        state.withLock { state in
            var transaction = Transaction(now: now(), state: &state, shardCount: shardCount)
            for event in events { transaction.write(event.type, event.aggregateID, event.version, event.payload) }
            state.openTransactions[transaction.number] = transaction.date
            state.lastRow += Int64(events.count)
            return FakeTransaction(number: transaction.number, rows: transaction.rows)
        }
    }

    package func commit(_ transaction: FakeTransaction) {
        state.withLock { state in
            guard state.openTransactions.removeValue(forKey: transaction.number) != nil else { return }
            state.append(transaction.rows)
        }
    }

    /// Runs one transaction.
    func run<Value: Sendable>(_ call: Call, _ body: (inout State, inout Transaction) throws -> Value) throws -> Value {
        try faults.run(call) {
            try state.withLock { state in
                var transaction = Transaction(now: now(), state: &state, shardCount: shardCount)
                let value = try body(&state, &transaction)
                state.lastRow += Int64(transaction.rows.count)
                state.append(transaction.rows)
                return value
            }
        }
    }

    /// Tells whoever listens.
    func ring(_ bell: OutboxBell) {
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners { listener.bell.yield(bell) }
    }

    func listen(_ sink: OutboxSink) -> AsyncStream<OutboxBell> {
        AsyncStream(bufferingPolicy: .bufferingNewest(16)) { continuation in
            let id = UUID()
            state.withLock { $0.listeners[id] = (sink, continuation) }
            continuation.onTermination = { [weak self] _ in
                self?.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
            }
            continuation.yield(.rows)
        }
    }
}

// MARK: What no port does

extension FakeDatabase {
    /// Leaves a result, whatever its request is, or whether there is one.
    package func plant(_ result: ResultDocument) {
        state.withLock { state in
            let transaction = Transaction(now: now(), state: &state)
            let dayAgo = transaction.microseconds - 86_400_000_000
            state.results[result.id] = ResultRow(document: result, version: dayAgo)
        }
    }

    package func removeResults(_ ids: [RequestID]) {
        state.withLock { state in for id in ids { state.results[id] = nil } }
    }

    /// Commits rows of product `planted` whose transaction began at `date`.
    package func plantRows(_ count: Int, _ type: EventType, shard: Int, at date: Date) {
        guard let product = ProductID("planted") else { return }
        state.withLock { state in
            var transaction = Transaction(now: now(), state: &state)
            for _ in 0..<count { transaction.write(type, product.text, 1, Array("{}".utf8), shard: shard, at: date) }
            state.lastRow += Int64(count)
            state.append(transaction.rows)
        }
    }

    /// Puts a sink's cursor anywhere, as a database that comes from a backup does.
    package func putCursor(of sink: OutboxSink, shard: Int, at position: Int64) {
        state.withLock {
            $0.cursors[sink, default: [:]][shard, default: Shard()].cursor = OutboxCursor(
                position: position, epoch: $0.epoch)
        }
    }

    /// The server is another one by now: a standby that was promoted, or a restored backup.
    package func beginEpoch(_ epoch: Int) {
        state.withLock { $0.epoch = epoch }
    }
}

/// A transaction that a test holds open.
package struct FakeTransaction: Sendable {
    package let number: UInt64
    fileprivate let rows: [OutboxRow]
}

extension FakeDatabase {
    /// What one transaction knows: its number, its time, and the events that it writes when it commits.
    struct Transaction {
        let number: UInt64
        /// Microseconds since 1970, larger than every earlier transaction's.
        let microseconds: Int64
        private let shardCount: Int
        private var nextRow: Int64
        fileprivate private(set) var rows: [OutboxRow] = []

        fileprivate init(now: Date, state: inout State, shardCount: Int = 1) {
            state.lastTransaction += 1
            state.lastMicroseconds = max(
                state.lastMicroseconds + 1, Int64((now.timeIntervalSince1970 * 1_000_000).rounded()))
            number = state.lastTransaction
            microseconds = state.lastMicroseconds
            self.shardCount = shardCount
            nextRow = state.lastRow
        }

        var date: Date { Date(timeIntervalSince1970: Double(microseconds) / 1_000_000) }

        mutating func write(
            _ type: EventType, _ aggregateID: String, _ version: Int64, _ payload: some EventPayload
        ) {
            write(type, aggregateID, version, payload.json)
        }

        mutating func write(
            _ type: EventType, _ aggregateID: String, _ version: Int64, _ payload: [UInt8], shard: Int? = nil,
            at occurredAt: Date? = nil
        ) {
            nextRow += 1
            let shard = shard ?? aggregateID.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % shardCount
            let event = DomainEvent(
                id: "fake-\(number)-\(nextRow)", type: type, aggregateID: aggregateID, version: version,
                payload: payload, occurredAt: occurredAt ?? date)
            rows.append(OutboxRow(shard: shard, id: nextRow, transaction: number, event: event))
        }
    }
}

extension FakeDatabase.State {
    /// The least version of this epoch.
    var firstVersion: Int64 { max(1, Int64(epoch - 1) << 40) }

    /// The version of a request's next change.
    mutating func raiseVersion(of id: RequestID) -> Int64 {
        let next = max((versions[id] ?? 0) + 1, firstVersion)
        versions[id] = next
        return next
    }

    /// What a transaction of this moment sees.
    var snapshot: OutboxSnapshot {
        OutboxSnapshot(
            begin: openTransactions.keys.min() ?? lastTransaction + 1, end: lastTransaction + 1,
            inFlight: openTransactions.keys.sorted())
    }

    /// Commits rows and rings the bell.
    fileprivate mutating func append(_ rows: [OutboxRow]) {
        guard !rows.isEmpty else { return }
        outbox.append(contentsOf: rows)
        for (sink, bell) in listeners.values where rows.contains(where: { $0.event.type.sinks.contains(sink) }) {
            bell.yield(.rows)
        }
    }
}

/// A failure to inject, or what a fake refuses as the real store does.
package struct FakeDatabaseError: StoreFailure, Equatable {
    package let description: String
    package var mayHaveHappened = false
    package var isRetriable = false
    package var isUnavailable = false

    package init(
        _ description: String, mayHaveHappened: Bool = false, isRetriable: Bool = false, isUnavailable: Bool = false
    ) {
        self.description = description
        self.mayHaveHappened = mayHaveHappened
        self.isRetriable = isRetriable
        self.isUnavailable = isUnavailable
    }

    /// The database can't be reached.
    package static let unavailable = FakeDatabaseError("database away", isRetriable: true, isUnavailable: true)
    /// The connection went away after the statement was sent; use it with and without `tookEffect`.
    package static let connectionLost = FakeDatabaseError(
        "connection lost", mayHaveHappened: true, isRetriable: true, isUnavailable: true)
}
