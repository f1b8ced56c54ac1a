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
        Conformance("a batch has at most as many rows as asked for", readingLimit),
        Conformance("a cursor moves forward only", forwardOnly),
        Conformance("a relay that lost its shards moves no cursor", fencing),
        Conformance("each sink has cursors of its own", independentSinks),
        Conformance("rows behind an open transaction wait for it, and it is named", openTransaction),
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
        #expect(try await fixture.outbox.holdShards(of: .queue, owner: first, leaseDuration: .zero).count == 8)
        #expect(try await hold(fixture, second) == Array(0..<fixture.shardCount))
    }

    private static func release(_ fixture: RequestStoreFixture) async throws {
        let (first, second) = (UUID(), UUID())
        _ = try await hold(fixture, first)
        #expect(try await hold(fixture, second).isEmpty)
        try await fixture.outbox.releaseShards(of: .queue, owner: first)
        #expect(try await hold(fixture, second) == Array(0..<fixture.shardCount))
    }

    private static func noShards(_ fixture: RequestStoreFixture) async throws {
        _ = try await fixture.create("p")
        #expect(try await fixture.outbox.read(sink: .queue, owner: UUID(), limit: 10).isEmpty)
        #expect(try await fixture.drain(.queue, count: 1).count == 1)
        #expect(try await fixture.outbox.read(sink: .queue, owner: UUID(), limit: 10).isEmpty)
    }

    private static func reading(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let requests = try await fixture.submit(Array(repeating: product, count: 40))
        _ = try await fixture.finalise(requests)
        let owner = UUID()
        _ = try await hold(fixture, owner)
        let rows = try await waitForRows(fixture, owner, count: 81)
        #expect(Set(rows.map(\.event.id)).count == 81)
        #expect(Set(rows.map(\.shard)).count > 1)
        for (_, shard) in Dictionary(grouping: rows, by: \.shard) {
            #expect(shard.map(\.position) == shard.map(\.position).sorted())
        }
        for request in requests {
            let own = rows.filter { $0.event.aggregateID == request.id.description }
            #expect(own.map(\.event.type) == [.analysisRequested, .analysisCompleted])
            #expect(own[0].shard == own[1].shard)
        }
        #expect(try await fixture.outbox.read(sink: .queue, owner: owner, limit: 1000) == rows)
        #expect(try await fixture.outbox.advance(sink: .queue, owner: owner, to: rows.lastPositions) > 1)
        #expect(try await fixture.outbox.read(sink: .queue, owner: owner, limit: 1000).isEmpty)
    }

    private static func readingLimit(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        _ = try await fixture.submit(Array(repeating: product, count: 50))
        let owner = UUID()
        _ = try await hold(fixture, owner)
        _ = try await waitForRows(fixture, owner, count: 51)
        var seen: [OutboxRow] = []
        while seen.count < 51 {
            let batch = try await fixture.outbox.read(sink: .queue, owner: owner, limit: 20)
            try #require((1...20).contains(batch.count))
            seen += batch
            _ = try await fixture.outbox.advance(sink: .queue, owner: owner, to: batch.lastPositions)
        }
        #expect(try await fixture.outbox.read(sink: .queue, owner: owner, limit: 20).isEmpty)
        #expect(Set(seen.map(\.event.id)).count == 51)
    }

    private static func forwardOnly(_ fixture: RequestStoreFixture) async throws {
        let product = try await fixture.create("p")[0]
        let request = try await fixture.submit([product])[0]
        _ = try await fixture.finalise([request])
        let owner = UUID()
        _ = try await hold(fixture, owner)
        let rows = try await waitForRows(fixture, owner, count: 3)
        let own = rows.filter { $0.event.aggregateID == request.id.description }
        let (earlier, later) = (try #require(own.first), try #require(own.last))
        func advance(_ row: OutboxRow) async throws -> Int {
            try await fixture.outbox.advance(sink: .queue, owner: owner, to: [row.shard: row.position])
        }
        #expect(try await advance(later) == 1)
        #expect(try await advance(later) == 0)
        #expect(try await advance(earlier) == 0)
        #expect(try await fixture.outbox.advance(sink: .queue, owner: owner, to: [:]) == 0)
        let left = try await fixture.outbox.read(sink: .queue, owner: owner, limit: 10)
        #expect(left.allSatisfy { $0.event.type == .productUpdated })
    }

    private static func fencing(_ fixture: RequestStoreFixture) async throws {
        _ = try await fixture.create("p", "q", "r")
        let (stale, present) = (UUID(), UUID())
        _ = try await hold(fixture, stale)
        let rows = try await waitForRows(fixture, stale, count: 3)
        _ = try await fixture.outbox.holdShards(of: .queue, owner: stale, leaseDuration: .zero)
        #expect(try await fixture.outbox.read(sink: .queue, owner: stale, limit: 10).isEmpty)
        #expect(try await fixture.outbox.advance(sink: .queue, owner: stale, to: rows.lastPositions) == 0)
        #expect(try await hold(fixture, present).count == fixture.shardCount)
        #expect(try await fixture.outbox.advance(sink: .queue, owner: stale, to: rows.lastPositions) == 0)
        #expect(try await fixture.outbox.read(sink: .queue, owner: present, limit: 10) == rows)
        let moved = try await fixture.outbox.advance(sink: .queue, owner: present, to: rows.lastPositions)
        #expect(moved == rows.lastPositions.count)
    }

    private static func independentSinks(_ fixture: RequestStoreFixture) async throws {
        _ = try await fixture.create("p", "q")
        let queue = try await fixture.drain(.queue, count: 2)
        #expect(try await fixture.drain(.events, count: 2) == queue)
    }

    private static func openTransaction(_ fixture: RequestStoreFixture) async throws {
        let outbox = fixture.outbox
        let owner = UUID()
        _ = try await hold(fixture, owner)
        try await fixture.whileTransactionIsOpen { transaction in
            _ = try await fixture.create("p", "q")
            for _ in 0..<3 { #expect(try await outbox.read(sink: .queue, owner: owner, limit: 10).isEmpty) }
            #expect(try await outbox.holdUp(olderThan: long) == nil)
            // On a server that others use too, theirs may be older for a while.
            let holdUp = try await poll {
                let holdUp = try await outbox.holdUp(olderThan: .zero)
                return holdUp?.transaction == transaction ? holdUp : nil
            }
            #expect(holdUp?.processID != 0)
            #expect(holdUp?.applicationName.isEmpty == false)
            #expect(try await outbox.backlog(sink: .queue, limit: 10).count == 2)
        }
        let rows = try await waitForRows(fixture, owner, count: 3)
        #expect(rows.first?.event.aggregateID == "held")
        #expect(rows.first?.position.row == rows.map(\.position.row).min())
        _ = try await outbox.advance(sink: .queue, owner: owner, to: rows.lastPositions)
        #expect(try await outbox.holdUp(olderThan: .zero) == nil)
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
        try await fixture.outbox.releaseShards(of: .queue, owner: first)
        #expect(await bells.next() == .shards)
        // Nobody is woken by what changed nothing.
        _ = try await hold(fixture, second)
        _ = try await fixture.create("p")
        #expect(await bells.next() == .rows)
    }

    private static func hold(_ fixture: RequestStoreFixture, _ owner: UUID) async throws -> [Int] {
        try await fixture.outbox.holdShards(of: .queue, owner: owner, leaseDuration: long)
    }

    /// The owner's rows, once there are `count`: a real server shows them when no older transaction is in flight.
    private static func waitForRows(
        _ fixture: RequestStoreFixture, _ owner: UUID, count: Int
    ) async throws -> [OutboxRow] {
        let rows = try await poll {
            let rows = try await fixture.outbox.read(sink: .queue, owner: owner, limit: 1000)
            return rows.count >= count ? rows : nil
        }
        #expect(rows?.count == count)
        return rows ?? []
    }

    /// What `look` finds, once it finds something; nil after 20 s.
    private static func poll<Value>(_ look: () async throws -> Value?) async throws -> Value? {
        let deadline = Deadline.after(.seconds(20))
        while !deadline.isPast {
            if let value = try await look() { return value }
            await Task.yield()
        }
        return nil
    }
}
