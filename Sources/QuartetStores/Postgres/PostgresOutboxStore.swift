import ClientSupport
package import Foundation
import Metrics
import Postgres
package import QuartetCore
package import QuartetDatabases

/// The outbox of one database in PostgreSQL.
package struct PostgresOutboxStore: OutboxStore {
    static let rowsChannel = "quartet_outbox"
    private static let shardsChannel = "quartet_shards"

    package let database: DatabaseName
    package let sinks: [OutboxSink]
    private let addCursors, hold, release, readRows, advanceCursors, findOldest, countBacklog, purgeRows,
        writeShards,
        countShards, readShard, readCursors: StoreStatement

    /// - Parameters:
    ///   - database: whose outbox it is.
    ///   - sinks: the sinks in use; rows are kept until each of these has them.
    package init(
        databases: Databases, of database: DatabaseName = .dropship, sinks: [OutboxSink] = OutboxSink.usual
    ) throws {
        let statements = try databases.statements(in: .outbox(), of: database)
        self.database = database
        self.sinks = sinks
        addCursors = try statements.named("add_cursors")
        hold = try statements.named("hold_shards")
        release = try statements.named("release_shards")
        readRows = try statements.named("read_outbox")
        advanceCursors = try statements.named("advance_cursors")
        findOldest = try statements.named("oldest_transaction")
        countBacklog = try statements.named("backlog")
        purgeRows = try statements.named("purge_outbox")
        readCursors = try statements.named("cursors")
        countShards = try statements.named("shard_count")
        readShard = try statements.named("shard_rows")
        writeShards = try statements.named("set_shards")
    }

    /// Spreads aggregates over so many shards from now on, 1 to 32767. After it was made smaller, the shards above are still
    /// read to their ends. While both numbers are in the outbox, an aggregate's events may be in two shards: only their
    /// versions tell their order.
    package func setShards(_ count: Int) async throws {
        _ = try await writeShards.runAlone(Int32(clamping: count))
    }

    package func holdShards(of sink: OutboxSink, owner: UUID, leaseDuration: Duration) async throws -> [Int] {
        var shards = try await held(sink, owner, leaseDuration)
        if shards.areMissing {
            _ = try await addCursors.run(sink.rawValue)
            shards = try await held(sink, owner, leaseDuration)
        }
        return shards.taken
    }

    private func held(
        _ sink: OutboxSink, _ owner: UUID, _ leaseDuration: Duration
    ) async throws -> (taken: [Int], areMissing: Bool) {
        let rows = try await hold.runAlone(sink.rawValue, owner, leaseDuration.seconds)
        let shards = try rows.map { try $0.decode(Int.self, Bool.self, Int.self) }
        return (shards.filter(\.1).map(\.0), shards.count < (shards.first?.2 ?? 1))
    }

    package func releaseShards(of sink: OutboxSink, owner: UUID) async throws {
        _ = try await release.runAlone(sink.rawValue, owner)
    }

    package func read(sink: OutboxSink, owner: UUID, limit: Int) async throws -> OutboxBatch {
        for _ in 0..<Self.readsMax {
            if let batch = try await readOnce(sink, owner, limit) { return batch }
        }
        throw PostgresStoreError(
            .contention, "transactions of \(database) begin faster than the outbox can be read beside them")
    }

    private static let readsMax = 10

    /// Nil where so many transactions were begun meanwhile that it is to be asked again.
    private func readOnce(_ sink: OutboxSink, _ owner: UUID, _ limit: Int) async throws -> OutboxBatch? {
        let foreign = EventType.all.filter { !$0.sinks.contains(sink) }.map(\.name)
        let found = try await readRows.run(sink.rawValue, owner, limit, OutboxRow.perShardMin, foreign)
        guard let first = found.first else { return OutboxBatch() }
        let context = try StoredOutboxContext(text: first.decode(10, as: String.self))
        guard context.snapshot.isComplete else { return nil }
        guard try first.decode(1, as: Int64?.self) != nil else {
            return OutboxBatch(rows: [], of: context.cursors, in: context.snapshot, notWhole: [])
        }
        var rows: [OutboxRow] = []
        rows.reserveCapacity(found.count)
        var unreadable: [Int: PostgresStoreError] = [:]
        for row in found {
            let read = try outboxRow(row)
            switch read.row {
            case .success(let row) where unreadable[row.shard] == nil: rows.append(row)
            case .success: break
            case .failure(let error): unreadable[read.shard] = unreadable[read.shard] ?? error
            }
        }
        // A shard stops before the row that can't be read; the others go on.
        if rows.isEmpty, let error = unreadable.values.first { throw error }
        let seen = context.counts.values.reduce(0, +)
        let cut = context.counts.filter { seen >= limit || $0.value >= OutboxRow.perShardMin }.keys
        return OutboxBatch(
            rows: rows, seen: seen, of: context.cursors, in: context.snapshot,
            notWhole: Set(cut).union(unreadable.keys))
    }

    package func advance(sink: OutboxSink, owner: UUID, past batch: OutboxBatch) async throws -> Int {
        let moves = batch.moves.sorted { $0.key < $1.key }
        guard let epoch = moves.first?.value.from.epoch else { return 0 }
        return try await advanceCursors.runAlone(
            sink.rawValue, owner, moves.map { Int16(clamping: $0.key) }, moves.map(\.value.from.position),
            moves.map { Self.array($0.value.from.pending.map(\.transaction)) }, moves.map(\.value.to.position),
            moves.map { Self.array($0.value.to.pending.map(\.transaction)) },
            moves.map { Self.array($0.value.to.pending.map(\.after)) }, moves.map(\.value.to.settled),
            moves.map(\.value.to.candidate), moves.map(\.value.to.candidateEnd), Int32(clamping: epoch)
        ).count
    }

    package func oldestTransaction(olderThan age: Duration) async throws -> OldTransaction? {
        guard let row = try await findOldest.runAlone(age.seconds).first else { return nil }
        let (processID, name, seconds) = try row.decode(Int.self, String.self, Double.self)
        return OldTransaction(processID: processID, applicationName: name, age: .seconds(max(0, seconds)))
    }

    package func backlog(sink: OutboxSink, limit: Int) async throws -> (count: Int, oldest: Duration) {
        let (count, seconds) = try await countBacklog.runAlone(sink.rawValue, limit).single()
            .decode(Int.self, Double.self)
        return (count, .seconds(max(0, seconds)))
    }

    package func positions(of sink: OutboxSink) async throws -> [Int: Int64] {
        try await readCursors.run([sink.rawValue]).reduce(into: [:]) { positions, row in
            positions[try row.decode(1, as: Int.self)] = try row.decode(2, as: Int64.self)
        }
    }

    package func shardCount() async throws -> Int {
        try await countShards.run().single().decode(0, as: Int.self)
    }

    package func rows(of shard: Int, after id: Int64, limit: Int) async throws -> [OutboxRow] {
        try await readShard.run(Int16(clamping: shard), id, limit).map { try outboxRow($0).row.get() }
    }

    package func purge(olderThan age: Duration, limit: Int) async throws -> Int {
        try await purgeRows.runAlone(sinks.map(\.rawValue), age.seconds, limit).affected
    }

    package func wakeups(of sink: OutboxSink) -> AsyncStream<OutboxBell> {
        AsyncStream(bufferingPolicy: .bufferingNewest(16)) { continuation in
            let client = readRows.client
            let listener = Task {
                let failures = Counter(
                    label: "quartet_bell_failures_total", dimensions: [("store", "postgresql.\(database)")])
                for await event in client.listen(
                    to: [Self.rowsChannel, Self.shardsChannel], onFailure: { _ in failures.increment() })
                {
                    switch event {
                    case .notification(Self.shardsChannel, _): continuation.yield(.shards)
                    case .notification(_, let type) where !Self.concerns(sink, type): break
                    case .notification, .connected: continuation.yield(.rows)
                    // What was missed while no connection listened is not known.
                    case .reconnected:
                        continuation.yield(.rows)
                        continuation.yield(.shards)
                    }
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in listener.cancel() }
        }
    }

    /// Past rows that are not for it a sink moves when it next looks.
    private static func concerns(_ sink: OutboxSink, _ type: String) -> Bool {
        EventType.named(type).map { $0.sinks.contains(sink) } ?? true
    }

    private func outboxRow(_ row: PostgresRow) throws -> (shard: Int, row: Result<OutboxRow, PostgresStoreError>) {
        let (shard, id, transaction, epoch, type, aggregateID, version, payload, trace, occurredAt) = try row.decode(
            Int.self, Int64.self, UInt64.self, Int.self, String.self, String.self, Int64.self, [UInt8].self,
            String?.self, Date.self)
        let name = "\(database)-\(epoch)-\(id)"
        guard let type = EventType.named(type) else {
            let message =
                "outbox row \(name) has the type \"\(type)\", which this build does not know: use the newer build"
            return (shard, .failure(PostgresStoreError(.unreadableRow, message)))
        }
        let event = DomainEvent(
            id: name, type: type, aggregateID: aggregateID, version: version, payload: payload, occurredAt: occurredAt,
            trace: trace)
        return (shard, .success(OutboxRow(shard: shard, id: id, transaction: transaction, event: event)))
    }

    /// An array as PostgreSQL writes it.
    private static func array(_ numbers: [some BinaryInteger]) -> String {
        "{\(numbers.map { String($0) }.joined(separator: ","))}"
    }
}

extension SQLFile {
    static func outbox() throws -> SQLFile {
        try SQLFile(label: "outbox.sql", text: String(decoding: PackageResources.outbox_sql, as: UTF8.self))
    }
}
