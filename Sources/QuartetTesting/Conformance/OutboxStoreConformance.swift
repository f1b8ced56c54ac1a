import ClientSupport
import Foundation
import QuartetCore
import Testing

/// What every ``OutboxStore`` does. Each behaviour wants a fresh fixture.
package enum OutboxStoreConformance {
    package static let behaviours: [Conformance<RequestStoreFixture>] = [
        Conformance("one relay has all shards, two share them, three too", fairShare),
        Conformance("relays that come at once never have a shard in common", sharesAtOnce),
        Conformance("a shard whose lease ran out goes to whoever asks", expiredLease),
        Conformance("shards that are given back are free at once", release),
        Conformance("who has no shard reads nothing", noShards),
        Conformance(
            "rows come in the order in which they were written, and again until the cursor moves", reading),
        Conformance("rows that are not for a sink are passed like its own", foreignRows),
        Conformance("a batch has at most as many rows as asked for", readingLimit),
        Conformance("a cursor moves forward only", forwardOnly),
        Conformance("a relay that lost its shards moves no cursor", fencing),
        Conformance("each sink has cursors of its own", independentSinks),
        Conformance("no row waits for an open transaction, and its own come when it commits", openTransaction),
        Conformance("what a transaction left behind comes in as many reads as it takes", lateRowsInParts),
        Conformance("a row is read before its aggregate's next one, whoever was open", orderAcrossOpenTransactions),
        Conformance("the backlog of a sink that never read is the whole outbox", backlog),
        Conformance("rows are removed when every sink has them, a bounded number at a time", purge),
        Conformance("a new row wakes the sinks that it is for", wakeups),
        Conformance("shards that are given back wake those who wait for some", shardBells),
    ]

    private static let long = Duration.seconds(60)

    private static func fairShare(_ fixture: RequestStoreFixture) async throws {
        var owners = [UUID()]
        #expect(try await hold(fixture, owners[0]) == Array(0..<fixture.shardCount))
        for _ in 0..<2 {
            owners.append(UUID())
            var shares: [[Int]] = []
            // Those who have too much give back first, then the newcomer finds something.
            for _ in 0..<2 {
                shares = []
                for owner in owners { shares.append(try await hold(fixture, owner)) }
            }
            let share = (fixture.shardCount + owners.count - 1) / owners.count
            #expect(shares.allSatisfy { !$0.isEmpty && $0.count <= share })
            #expect(shares.flatMap(\.self).sorted() == Array(0..<fixture.shardCount))
        }
    }

    private static func sharesAtOnce(_ fixture: RequestStoreFixture) async throws {
        let owners = (0..<4).map { _ in UUID() }
        for _ in 0..<3 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for owner in owners { group.addTask { _ = try await hold(fixture, owner) } }
                try await group.waitForAll()
            }
        }
        // By now each has seen the others: asked one after the other, they have what they keep.
        var shares: [[Int]] = []
        for owner in owners { shares.append(try await hold(fixture, owner)) }
        #expect(shares.map(\.count) == [2, 2, 2, 2])
        #expect(shares.flatMap(\.self).sorted() == Array(0..<fixture.shardCount))
    }

    private static func expiredLease(_ fixture: RequestStoreFixture) async throws {
        let (first, second) = (UUID(), UUID())
        #expect(try await fixture.outbox.holdShards(of: .events, owner: first, leaseDuration: .zero).count == 8)
        #expect(try await hold(fixture, second) == Array(0..<fixture.shardCount))
    }

    private static func release(_ fixture: RequestStoreFixture) async throws {
        let (first, second) = (UUID(), UUID())
        _ = try await hold(fixture, first)
        #expect(try await hold(fixture, second).isEmpty)
        try await fixture.outbox.releaseShards(of: .events, owner: first)
        #expect(try await hold(fixture, second) == Array(0..<fixture.shardCount))
    }

    private static func noShards(_ fixture: RequestStoreFixture) async throws {
        _ = try await fixture.create("p")
        #expect(try await fixture.outbox.read(sink: .events, owner: UUID(), limit: 10).isEmpty)
        #expect(try await fixture.drain(.queue, count: 1).count == 1)
        #expect(try await fixture.outbox.read(sink: .events, owner: UUID(), limit: 10).isEmpty)
    }

    private static func reading(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let requests = try await fixture.submit(Array(repeating: product, count: 40))
        _ = try await fixture.finalise(requests)
        let owner = UUID()
        _ = try await hold(fixture, owner)
        let batch = try await read(fixture, owner, count: 81)
        let rows = batch.rows
        #expect(Set(rows.map(\.event.id)).count == 81)
        #expect(Set(rows.map(\.shard)).count > 1)
        for (_, shard) in Dictionary(grouping: rows, by: \.shard) {
            #expect(shard.map(\.id) == shard.map(\.id).sorted())
        }
        for request in requests {
            let own = rows.filter { $0.event.aggregateID == request.id.description }
            #expect(own.map(\.event.type) == [.analysisRequested, .analysisCompleted])
            #expect(own[0].shard == own[1].shard)
        }
        #expect(try await fixture.outbox.read(sink: .events, owner: owner, limit: 1000).rows == rows)
        #expect(try await fixture.outbox.advance(sink: .events, owner: owner, past: batch) > 1)
        #expect(try await fixture.outbox.read(sink: .events, owner: owner, limit: 1000).isEmpty)
    }

    private static func foreignRows(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let requests = try await fixture.submit(Array(repeating: product, count: 40))
        _ = try await fixture.finalise(requests)
        let owner = UUID()
        _ = try await fixture.outbox.holdShards(of: .queue, owner: owner, leaseDuration: long)
        var tasks: [String] = []
        var seen = 0
        while seen < 81 {
            let batch = try await fixture.outbox.read(sink: .queue, owner: owner, limit: 30)
            try #require((1...30).contains(batch.seen) && batch.rows.count <= batch.seen)
            tasks += batch.rows.filter { $0.event.type.sinks.contains(.queue) }.map(\.event.aggregateID)
            seen += batch.seen
            #expect(try await fixture.outbox.advance(sink: .queue, owner: owner, past: batch) == batch.moves.count)
        }
        #expect(seen == 81 && Set(tasks) == Set(requests.map(\.id.description)) && tasks.count == 40)
        #expect(try await fixture.outbox.read(sink: .queue, owner: owner, limit: 30).isEmpty)
        #expect(try await fixture.outbox.backlog(sink: .queue, limit: 30).count == 0)
    }

    private static func readingLimit(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        _ = try await fixture.submit(Array(repeating: product, count: 50))
        let owner = UUID()
        _ = try await hold(fixture, owner)
        _ = try await read(fixture, owner, count: 51)
        var seen: [OutboxRow] = []
        while seen.count < 51 {
            let batch = try await fixture.outbox.read(sink: .events, owner: owner, limit: 20)
            try #require((1...20).contains(batch.rows.count))
            seen += batch.rows
            _ = try await fixture.outbox.advance(sink: .events, owner: owner, past: batch)
        }
        #expect(try await fixture.outbox.read(sink: .events, owner: owner, limit: 20).isEmpty)
        #expect(Set(seen.map(\.event.id)).count == 51)
    }

    private static func forwardOnly(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let request = try await fixture.submit([product])[0]
        _ = try await fixture.finalise([request])
        let owner = UUID()
        _ = try await hold(fixture, owner)
        let first = try await read(fixture, owner, count: 3)
        #expect(try await fixture.outbox.advance(sink: .events, owner: owner, past: first) == first.moves.count)
        // The answer may have been lost: the same move again changes nothing.
        #expect(try await fixture.outbox.advance(sink: .events, owner: owner, past: first) == 0)
        _ = try await fixture.create("q")
        let second = try await read(fixture, owner, count: 1)
        #expect(try await fixture.outbox.advance(sink: .events, owner: owner, past: second) == 1)
        #expect(try await fixture.outbox.advance(sink: .events, owner: owner, past: first) == 0)
        #expect(try await fixture.outbox.advance(sink: .events, owner: owner, past: OutboxBatch()) == 0)
        #expect(try await fixture.outbox.read(sink: .events, owner: owner, limit: 10).isEmpty)
    }

    private static func fencing(_ fixture: RequestStoreFixture) async throws {
        _ = try await fixture.create("p", "q", "r")
        let (stale, present) = (UUID(), UUID())
        _ = try await hold(fixture, stale)
        let batch = try await read(fixture, stale, count: 3)
        _ = try await fixture.outbox.holdShards(of: .events, owner: stale, leaseDuration: .zero)
        #expect(try await fixture.outbox.read(sink: .events, owner: stale, limit: 10).isEmpty)
        #expect(try await fixture.outbox.advance(sink: .events, owner: stale, past: batch) == 0)
        #expect(try await hold(fixture, present).count == fixture.shardCount)
        #expect(try await fixture.outbox.advance(sink: .events, owner: stale, past: batch) == 0)
        #expect(try await fixture.outbox.read(sink: .events, owner: present, limit: 10).rows == batch.rows)
        let moved = try await fixture.outbox.advance(sink: .events, owner: present, past: batch)
        #expect(moved == batch.moves.count)
    }

    private static func independentSinks(_ fixture: RequestStoreFixture) async throws {
        _ = try await fixture.create("p", "q")
        _ = try await fixture.drain(.queue, count: 2)
        #expect(try await fixture.drain(.events, count: 2).count == 2)
    }

    private static func openTransaction(_ fixture: RequestStoreFixture) async throws {
        let outbox = fixture.outbox
        let owner = UUID()
        _ = try await hold(fixture, owner)
        try await fixture.whileTransactionIsOpen(1) {
            _ = try await fixture.create("p", "q")
            let batch = try await read(fixture, owner, count: 2)
            #expect(batch.rows.map(\.event.aggregateID).sorted() == ["p", "q"])
            #expect(batch.moves.values.allSatisfy { !$0.to.pending.isEmpty })
            _ = try await outbox.advance(sink: .events, owner: owner, past: batch)
            #expect(try await outbox.read(sink: .events, owner: owner, limit: 10).isEmpty)
            #expect(try await outbox.backlog(sink: .events, limit: 10).count == 0)
            #expect(try await outbox.oldestTransaction(olderThan: long) == nil)
            let oldest = try await outbox.oldestTransaction(olderThan: .zero)
            #expect(oldest?.applicationName.isEmpty == false)
        }
        #expect(try await outbox.backlog(sink: .events, limit: 10).count == 1)
        let late = try await read(fixture, owner, count: 1)
        #expect(late.rows.first?.event.aggregateID == "held")
        _ = try await outbox.advance(sink: .events, owner: owner, past: late)
        #expect(try await outbox.read(sink: .events, owner: owner, limit: 10).isEmpty)
        #expect(try await outbox.backlog(sink: .events, limit: 10) == (0, .zero))
    }

    private static func lateRowsInParts(_ fixture: RequestStoreFixture) async throws {
        let outbox = fixture.outbox
        let owner = UUID()
        _ = try await hold(fixture, owner)
        try await fixture.whileTransactionIsOpen(50) {
            _ = try await fixture.create("p", "q", "r", "s", "t", "u", "v", "w", "x", "y")
            _ = try await outbox.advance(sink: .events, owner: owner, past: try await read(fixture, owner, count: 10))
        }
        _ = try await fixture.create("z")
        var ids: [Int64] = []
        while true {
            let batch = try await outbox.read(sink: .events, owner: owner, limit: 20)
            if batch.isEmpty { break }
            ids += batch.rows.filter { $0.event.aggregateID == "held" }.map(\.id)
            #expect(try await outbox.advance(sink: .events, owner: owner, past: batch) > 0)
        }
        #expect(ids.count == 50 && ids == ids.sorted() && Set(ids).count == 50)
    }

    private static func orderAcrossOpenTransactions(_ fixture: RequestStoreFixture) async throws {
        let owner = UUID()
        _ = try await hold(fixture, owner)
        // The open transaction has the lower number and, in the end, the lower id of another aggregate.
        try await fixture.whileTransactionIsOpen(1) {
            for name in ["a", "b", "c"] {
                _ = try await fixture.products.put([(try #require(ProductID("p")), name)])
            }
        }
        let batch = try await read(fixture, owner, count: 4)
        let versions = batch.rows.filter { $0.event.aggregateID == "p" }.map(\.event.version)
        #expect(versions.count == 3 && versions == versions.sorted())
    }

    private static func backlog(_ fixture: RequestStoreFixture) async throws {
        #expect(try await fixture.outbox.backlog(sink: .events, limit: 10) == (0, .zero))
        let product = try await fixture.create("p")[0]
        _ = try await fixture.submit(Array(repeating: product, count: 30))
        let waiting = try await fixture.outbox.backlog(sink: .events, limit: 1000)
        #expect(waiting.count == 31)
        #expect(waiting.oldest > .zero && waiting.oldest < long)
        #expect(try await fixture.outbox.backlog(sink: .events, limit: 7).count == 7)
        _ = try await fixture.drain(.events, count: 31)
        #expect(try await fixture.outbox.backlog(sink: .events, limit: 10) == (0, .zero))
        #expect(try await fixture.outbox.backlog(sink: .queue, limit: 1000).count == 31)
    }

    private static func purge(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        _ = try await fixture.submit(Array(repeating: product, count: 20))
        #expect(try await fixture.outbox.purge(olderThan: .zero, limit: 100) == 0)
        _ = try await fixture.drain(.queue, count: 21)
        #expect(try await fixture.outbox.purge(olderThan: .zero, limit: 100) == 0)
        _ = try await fixture.drain(.events, count: 21)
        _ = try await fixture.submit([product])
        #expect(try await fixture.outbox.purge(olderThan: long, limit: 100) == 0)
        #expect(try await fixture.outbox.purge(olderThan: .zero, limit: 15) == 15)
        #expect(try await fixture.outbox.purge(olderThan: .zero, limit: 15) == 6)
        #expect(try await fixture.outbox.purge(olderThan: .zero, limit: 15) == 0)
        #expect(try await fixture.drain(.queue, count: 1).count == 1)
    }

    private static func wakeups(_ fixture: RequestStoreFixture) async throws {
        var events = fixture.outbox.wakeups(of: .events).makeAsyncIterator()
        // The first says that somebody listens from now on.
        #expect(await events.next() != nil)
        let product = try await fixture.create("p")[0]
        #expect(await events.next() != nil)
        var tasks = fixture.outbox.wakeups(of: .queue).makeAsyncIterator()
        #expect(await tasks.next() != nil)
        _ = try await fixture.submit([product])
        #expect(await events.next() != nil)
        #expect(await tasks.next() != nil)
    }

    private static func shardBells(_ fixture: RequestStoreFixture) async throws {
        let first = UUID()
        let second = UUID()
        _ = try await hold(fixture, first)
        var bells = fixture.outbox.wakeups(of: .events).makeAsyncIterator()
        #expect(await bells.next() == .rows)
        // The newcomer finds nothing; the other gives some back when it sees that there are two.
        #expect(try await hold(fixture, second).isEmpty)
        _ = try await hold(fixture, first)
        #expect(await bells.next() == .shards)
        _ = try await hold(fixture, second)
        _ = try await hold(fixture, first)
        try await fixture.outbox.releaseShards(of: .events, owner: first)
        #expect(await bells.next() == .shards)
        // Nobody is woken by what changed nothing.
        _ = try await hold(fixture, second)
        _ = try await fixture.create("p")
        #expect(await bells.next() == .rows)
    }

    private static func hold(_ fixture: RequestStoreFixture, _ owner: UUID) async throws -> [Int] {
        try await fixture.outbox.holdShards(of: .events, owner: owner, leaseDuration: long)
    }

    /// The owner's rows; there must be `count`.
    private static func read(
        _ fixture: RequestStoreFixture, _ owner: UUID, count: Int
    ) async throws -> OutboxBatch {
        let batch = try await fixture.outbox.read(sink: .events, owner: owner, limit: 1000)
        #expect(batch.rows.count == count)
        return batch
    }
}
