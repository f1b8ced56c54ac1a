import ClientSupport
package import Foundation
import Postgres
package import QuartetCore

/// The outbox in PostgreSQL.
package struct PostgresOutboxStore: OutboxStore {
    package static let shardCountDefault = 8
    private static let shardsChannel = "quartet_shards"

    private let shardCount: Int
    private let sinks: [OutboxSink]
    private let addCursors, hold, release, readRows, advanceCursors, findHoldUp, countBacklog, purgeRows: StoreStatement

    /// - Parameters:
    ///   - shardCount: over how many shards the outbox is spread, 1 to 32767 and the same in every process. After it
    ///     was made smaller, the shards above are still read to their ends.
    ///   - sinks: the sinks in use; rows are kept until each of these has them.
    package init(
        databases: Databases, shardCount: Int = PostgresOutboxStore.shardCountDefault,
        sinks: [OutboxSink] = OutboxSink.allCases
    ) throws {
        precondition((1...Int(Int16.max)).contains(shardCount), "an outbox has 1 to 32767 shards")
        let file = try SQLFile(label: "outbox.sql", text: String(decoding: PackageResources.outbox_sql, as: UTF8.self))
        let statements = try databases.statements(in: file)
        self.shardCount = shardCount
        self.sinks = sinks
        addCursors = try statements.named("add_cursors")
        hold = try statements.named("hold_shards")
        release = try statements.named("release_shards")
        readRows = try statements.named("read_outbox")
        advanceCursors = try statements.named("advance_cursors")
        findHoldUp = try statements.named("hold_up")
        countBacklog = try statements.named("backlog")
        purgeRows = try statements.named("purge_outbox")
    }

    package func holdShards(of sink: OutboxSink, owner: UUID, leaseDuration: Duration) async throws -> [Int] {
        var shards = try await hold.run(sink.rawValue, owner, leaseDuration.seconds)
        if shards.count < shardCount {
            _ = try await addCursors.run(sink.rawValue, Int32(shardCount))
            shards = try await hold.run(sink.rawValue, owner, leaseDuration.seconds)
        }
        return try shards.compactMap { row in
            let (shard, isTaken) = try row.decode(Int.self, Bool.self)
            return isTaken ? shard : nil
        }
    }

    package func releaseShards(of sink: OutboxSink, owner: UUID) async throws {
        _ = try await release.run(sink.rawValue, owner)
    }

    package func read(sink: OutboxSink, owner: UUID, limit: Int) async throws -> [OutboxRow] {
        let rows = try await readRows.run(sink.rawValue, owner, limit, OutboxRow.perShardMin)
        var events: [OutboxRow] = []
        events.reserveCapacity(rows.count)
        var unreadable: [Int: PostgresStoreError] = [:]
        for row in rows {
            switch try Self.event(row) {
            case .success(let event) where unreadable[event.shard] == nil: events.append(event)
            case .success: break
            case .failure(let found): unreadable[found.shard] = unreadable[found.shard] ?? found.error
            }
        }
        // A shard stops before the row that can't be read; the others go on.
        if events.isEmpty, let error = unreadable.values.first { throw error }
        return events
    }

    package func advance(sink: OutboxSink, owner: UUID, to positions: [Int: OutboxPosition]) async throws -> Int {
        guard !positions.isEmpty else { return 0 }
        let sorted = positions.sorted { $0.key < $1.key }
        return try await advanceCursors.run(
            sink.rawValue, owner, sorted.map { Int16($0.key) }, sorted.map(\.value.transaction), sorted.map(\.value.row)
        ).count
    }

    package func holdUp(olderThan age: Duration) async throws -> OutboxHoldUp? {
        guard let row = try await findHoldUp.runAlone(age.seconds).first else { return nil }
        let (transaction, processID, name, seconds) = try row.decode(UInt64.self, Int.self, String.self, Double.self)
        return OutboxHoldUp(
            transaction: transaction, processID: processID, applicationName: name, age: .seconds(max(0, seconds)))
    }

    package func backlog(sink: OutboxSink, limit: Int) async throws -> (count: Int, oldest: Duration) {
        let row = try await countBacklog.runAlone(sink.rawValue, Int32(shardCount), limit).single()
        let (count, seconds) = try row.decode(Int.self, Double.self)
        return (count, .seconds(max(0, seconds)))
    }

    package func purge(olderThan age: Duration, limit: Int) async throws -> Int {
        try await purgeRows.runAlone(sinks.map(\.rawValue), age.seconds, limit).affected
    }

    package func wakeups(of sink: OutboxSink) -> AsyncStream<OutboxBell> {
        AsyncStream(bufferingPolicy: .bufferingNewest(16)) { continuation in
            let client = readRows.client
            let listener = Task {
                // It throws where connecting is hopeless; whoever waits for the bells also looks without them.
                do {
                    for try await event in client.listen(to: ["quartet_outbox_\(sink.rawValue)", Self.shardsChannel]) {
                        switch event {
                        case .notification(Self.shardsChannel, _): continuation.yield(.shards)
                        case .notification, .connected: continuation.yield(.rows)
                        // What was missed while no connection listened is not known.
                        case .reconnected:
                            continuation.yield(.rows)
                            continuation.yield(.shards)
                        }
                    }
                } catch {}
                continuation.finish()
            }
            continuation.onTermination = { _ in listener.cancel() }
        }
    }

    private static func event(
        _ row: PostgresRow
    ) throws -> Result<OutboxRow, UnreadableRow> {
        let (shard, transaction, id, type, aggregateID, version, productID, generation, occurredAt) = try row.decode(
            Int.self, UInt64.self, Int64.self, String.self, String.self, Int64.self, String.self, Int.self, Date.self)
        let name = "\(shard)-\(transaction)-\(id)"
        guard let type = EventType(rawValue: type), let productID = ProductID(productID) else {
            let message =
                "outbox row \(name) has a type or product id that this build does not know: use the newer build"
            return .failure(UnreadableRow(shard: shard, error: PostgresStoreError(.unreadableRow, message)))
        }
        let event = DomainEvent(
            id: name, type: type, aggregateID: aggregateID, version: version, productID: productID,
            generation: generation, occurredAt: occurredAt)
        return .success(
            OutboxRow(shard: shard, position: OutboxPosition(transaction: transaction, row: id), event: event))
    }

    private struct UnreadableRow: Error {
        let shard: Int
        let error: PostgresStoreError
    }
}
