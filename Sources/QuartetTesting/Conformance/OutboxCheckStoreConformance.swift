package import Foundation
package import QuartetCore
import Testing

/// An outbox check store, the stores whose outbox it reads, and what no port does to that.
package struct OutboxCheckStoreSubject: Sendable {
    package let checkStore: any OutboxCheckStore
    package let database: String
    package let stores: RequestStoreFixture
    /// Commits rows of one type in one shard, whose transaction began at the date.
    package let plantRows: @Sendable (_ count: Int, _ type: EventType, _ shard: Int, _ date: Date) async throws -> Void

    package init(
        checkStore: any OutboxCheckStore, database: String, stores: RequestStoreFixture,
        plantRows:
            @escaping @Sendable (_ count: Int, _ type: EventType, _ shard: Int, _ date: Date) async throws -> Void
    ) {
        self.checkStore = checkStore
        self.database = database
        self.stores = stores
        self.plantRows = plantRows
    }

    /// On fakes.
    package static func fake() -> OutboxCheckStoreSubject {
        let database = FakeDatabase()
        return OutboxCheckStoreSubject(
            checkStore: FakeOutboxCheckStore(database: database), database: "fake", stores: .fake(database)
        ) {
            database.plantRows($0, $1, shard: $2, at: $3)
        }
    }
}

/// What every ``OutboxCheckStore`` does. Each behaviour wants a fresh subject.
package enum OutboxCheckStoreConformance {
    package static let behaviours: [Conformance<OutboxCheckStoreSubject>] = [
        Conformance("where no relay has been, everything waits from the beginning", waitingFromBeginning),
        Conformance("what waits is behind the sink's own cursor", waitingBehindCursors),
        Conformance("only shards with rows from before the date are told", waitingSince),
        Conformance("a row that was begun early and committed late waits since its beginning", lateRows),
        Conformance("rows are counted up to a bound", countBound),
        Conformance("what an open transaction wrote waits from its commit on, below the cursor too", openTransaction),
        Conformance("cursors are where the sinks are", cursors),
        Conformance("the relays of every sink hear the ring", ring),
    ]

    private static let early = Date(timeIntervalSince1970: 1_700_000_000)

    private static func waitingFromBeginning(_ subject: OutboxCheckStoreSubject) async throws {
        #expect(try await subject.checkStore.waiting(before: .distantFuture).isEmpty)
        try await subject.plantRows(1, .analysisFailed, 0, early)
        try await subject.plantRows(2, .analysisRequested, 7, early + 10)
        try await subject.plantRows(3, .productUpdated, 7, early + 20)
        let expected = OutboxSink.usual.flatMap { sink in
            [
                WaitingRows(
                    database: subject.database, sink: sink, shard: 0, count: 1, oldest: early,
                    firstType: "analysis.failed"),
                WaitingRows(
                    database: subject.database, sink: sink, shard: 7, count: 5, oldest: early + 10,
                    firstType: "analysis.requested"),
            ]
        }
        let waiting = try await subject.checkStore.waiting(before: .distantFuture)
        #expect(Set(waiting) == Set(expected) && waiting.count == expected.count)
    }

    private static func waitingBehindCursors(_ subject: OutboxCheckStoreSubject) async throws {
        try await subject.plantRows(2, .analysisRequested, 3, early)
        try await subject.plantRows(1, .analysisCompleted, 3, early + 10)
        try await subject.plantRows(1, .analysisFailed, 5, early + 20)
        let (outbox, owner) = (subject.stores.outbox, UUID())
        _ = try await subject.stores.drain(.events, count: 4)
        let untouched = try await subject.checkStore.waiting(before: .distantFuture)
        #expect(
            Set(untouched) == [
                WaitingRows(
                    database: subject.database, sink: .queue, shard: 3, count: 3, oldest: early,
                    firstType: "analysis.requested"),
                WaitingRows(
                    database: subject.database, sink: .queue, shard: 5, count: 1, oldest: early + 20,
                    firstType: "analysis.failed"),
            ])
        _ = try await outbox.holdShards(of: .queue, owner: owner, leaseDuration: .seconds(60))
        func take(_ limit: Int) async throws -> Int {
            let batch = try await outbox.read(sink: .queue, owner: owner, limit: limit)
            return try await outbox.advance(sink: .queue, owner: owner, past: batch)
        }
        #expect(try await take(1) == 1)
        #expect(try await subject.checkStore.waiting(before: early + 5).map(\.count) == [2])
        #expect(try await take(1) == 1)
        let behind = try await subject.checkStore.waiting(before: .distantFuture)
        #expect(
            Set(behind) == [
                WaitingRows(
                    database: subject.database, sink: .queue, shard: 3, count: 1, oldest: early + 10,
                    firstType: "analysis.completed"),
                WaitingRows(
                    database: subject.database, sink: .queue, shard: 5, count: 1, oldest: early + 20,
                    firstType: "analysis.failed"),
            ])
        #expect(try await take(9) == 2)
        #expect(try await subject.checkStore.waiting(before: .distantFuture).isEmpty)
    }

    private static func waitingSince(_ subject: OutboxCheckStoreSubject) async throws {
        try await subject.plantRows(1, .analysisRequested, 1, early)
        try await subject.plantRows(1, .analysisRequested, 2, early + 10)
        try await subject.plantRows(1, .analysisCompleted, 1, early + 20)
        _ = try await subject.stores.drain(.queue, count: 3)
        func waiting(before date: Date) async throws -> [Int: Int] {
            let waiting = try await subject.checkStore.waiting(before: date)
            #expect(waiting.allSatisfy { $0.sink == .events })
            return Dictionary(uniqueKeysWithValues: waiting.map { ($0.shard, $0.count) })
        }
        #expect(try await waiting(before: early).isEmpty)
        #expect(try await waiting(before: early + 1) == [1: 2])
        #expect(try await waiting(before: early + 10) == [1: 2])
        #expect(try await waiting(before: early + 11) == [1: 2, 2: 1])
    }

    private static func lateRows(_ subject: OutboxCheckStoreSubject) async throws {
        try await subject.plantRows(1, .analysisRequested, 4, early + 60)
        try await subject.plantRows(1, .analysisCompleted, 4, early)
        let expected = OutboxSink.usual.map {
            WaitingRows(
                database: subject.database, sink: $0, shard: 4, count: 2, oldest: early, firstType: "analysis.requested"
            )
        }
        #expect(Set(try await subject.checkStore.waiting(before: early + 30)) == Set(expected))
        #expect(try await subject.checkStore.waiting(before: early).isEmpty)
    }

    private static func countBound(_ subject: OutboxCheckStoreSubject) async throws {
        try await subject.plantRows(WaitingRows.countMax, .productUpdated, 2, early)
        try await subject.plantRows(WaitingRows.countMax + 1, .productUpdated, 6, early)
        let waiting = try await subject.checkStore.waiting(before: early + 1)
        #expect(waiting.map(\.count) == [10_000, 10_000, 10_000, 10_000])
    }

    private static func openTransaction(_ subject: OutboxCheckStoreSubject) async throws {
        let checkStore = subject.checkStore
        try await subject.stores.whileTransactionIsOpen(1) {
            #expect(try await checkStore.waiting(before: .distantFuture).isEmpty)
            for shard in 0..<subject.stores.shardCount {
                try await subject.plantRows(1, .analysisRequested, shard, early)
            }
            _ = try await subject.stores.drain(.events, count: subject.stores.shardCount)
            let waiting = try await checkStore.waiting(before: .distantFuture)
            #expect(waiting.count == subject.stores.shardCount && waiting.allSatisfy { $0.sink == .queue })
        }
        let late = try await checkStore.waiting(before: .distantFuture).filter { $0.sink == .events }
        #expect(late.map(\.count) == [1] && late.map(\.firstType) == [EventType.productUpdated.name])
    }

    private static func cursors(_ subject: OutboxCheckStoreSubject) async throws {
        let (stores, checkStore) = (subject.stores, subject.checkStore)
        #expect(try await checkStore.cursors().isEmpty)
        try await subject.plantRows(2, .analysisRequested, 6, early)
        try await subject.plantRows(1, .analysisRequested, 0, early)
        let rows = try await stores.drain(.events, count: 3)
        let ends = Dictionary(rows.map { ($0.shard, $0.id) }, uniquingKeysWith: max)
        func cursors(_ sink: OutboxSink, _ positions: [Int: Int64]) -> Set<SweepProgress.Cursor> {
            Set(
                (0..<stores.shardCount).map { shard in
                    SweepProgress.Cursor(
                        database: subject.database, sink: sink.rawValue, shard: shard, position: positions[shard] ?? 0,
                        epoch: 1)
                })
        }
        #expect(Set(try await checkStore.cursors()) == cursors(.events, ends))
        let owner = UUID()
        _ = try await stores.outbox.holdShards(of: .queue, owner: owner, leaseDuration: .seconds(60))
        #expect(Set(try await checkStore.cursors()) == cursors(.events, ends).union(cursors(.queue, [:])))
        let six = try await stores.outbox.read(sink: .queue, owner: owner, limit: 2)
        #expect(try await stores.outbox.advance(sink: .queue, owner: owner, past: six) == 1)
        let all = try await checkStore.cursors()
        #expect(Set(all) == cursors(.events, ends).union(cursors(.queue, six.ends)))
        #expect(all.count == 2 * stores.shardCount)
    }

    private static func ring(_ subject: OutboxCheckStoreSubject) async throws {
        let outbox = subject.stores.outbox
        for sink in OutboxSink.usual {
            _ = try await outbox.holdShards(of: sink, owner: UUID(), leaseDuration: .seconds(60))
        }
        var tasks = outbox.wakeups(of: .queue).makeAsyncIterator()
        var events = outbox.wakeups(of: .events).makeAsyncIterator()
        // The first says that somebody listens from now on.
        #expect(await tasks.next() == .rows)
        #expect(await events.next() == .rows)
        for _ in 0..<2 {
            try await subject.checkStore.ring()
            #expect(await tasks.next() == .rows)
            #expect(await events.next() == .rows)
        }
    }
}
