import ClientSupport
import Foundation
package import QuartetCore
import Testing

/// A fresh, empty database behind its three ports, and what a conformance suite can't do through them.
package struct RequestStoreFixture: Sendable {
    package let requests: any RequestStore
    package let products: any ProductStore
    package let outbox: any OutboxStore
    package let shardCount: Int

    /// Runs the body while a transaction is open that has written an event of product `held` to shard 0, and commits it
    /// afterwards. The body gets the transaction's number.
    package let whileTransactionIsOpen:
        @Sendable (_ body: @escaping @Sendable (UInt64) async throws -> Void) async throws -> Void

    package init(
        requests: any RequestStore, products: any ProductStore, outbox: any OutboxStore, shardCount: Int,
        whileTransactionIsOpen:
            @escaping @Sendable (_ body: @escaping @Sendable (UInt64) async throws -> Void) async throws -> Void
    ) {
        self.requests = requests
        self.products = products
        self.outbox = outbox
        self.shardCount = shardCount
        self.whileTransactionIsOpen = whileTransactionIsOpen
    }

    /// The three fakes on one database.
    package static func fake(_ database: FakeDatabase = FakeDatabase()) -> RequestStoreFixture {
        RequestStoreFixture(
            requests: FakeRequestStore(database: database), products: FakeProductStore(database: database),
            outbox: FakeOutboxStore(database: database), shardCount: database.shardCount
        ) { body in
            let event = DomainEvent(
                id: "", type: .productUpdated, aggregateID: "held", version: 1,
                productID: try #require(ProductID("held")),
                generation: 0, occurredAt: .distantPast)
            let transaction = database.beginTransaction(writing: event)
            defer { database.commit(transaction) }
            try await body(transaction.number)
        }
    }
}

extension RequestStoreFixture {
    /// Creates products of these ids.
    func create(_ ids: String...) async throws -> [ProductID] {
        let products = try ids.map { try #require(ProductID($0)) }
        _ = try await self.products.put(products.map { ($0, "Product \($0)") })
        return products
    }

    /// Submits one request per product; all must be accepted.
    func submit(_ products: [ProductID]) async throws -> [AnalysisRequest] {
        let outcomes = try await requests.submit(products.map { Submission(id: .make(), productID: $0) })
        return try outcomes.map { try #require($0.accepted) }
    }

    /// Every row of a sink, read and taken by an owner of its own; `count` of them are waited for.
    ///
    /// A real server shows a row only when no older transaction is in flight any more, its own housekeeping included,
    /// and gives no signal of that.
    func drain(_ sink: OutboxSink = .events, count: Int, owner: UUID = UUID()) async throws -> [OutboxRow] {
        let deadline = Deadline.after(.seconds(20))
        _ = try await outbox.holdShards(of: sink, owner: owner, leaseDuration: .seconds(60))
        var rows: [OutboxRow] = []
        while rows.count < count, !deadline.isPast {
            let batch = try await outbox.read(sink: sink, owner: owner, limit: 300)
            guard !batch.isEmpty else {
                await Task.yield()
                continue
            }
            rows += batch
            _ = try await outbox.advance(sink: sink, owner: owner, to: batch.lastPositions)
        }
        #expect(rows.count == count)
        #expect(try await outbox.read(sink: sink, owner: owner, limit: 1).isEmpty)
        try await outbox.releaseShards(of: sink, owner: owner)
        return rows
    }

    /// The events of one type that are in the outbox, which has `count` rows in all.
    func events(_ type: EventType, of count: Int) async throws -> [DomainEvent] {
        try await drain(count: count).map(\.event).filter { $0.type == type }
    }

    /// A result as a worker would hand it in.
    func result(of request: AnalysisRequest, cardCount: Int = 3, keyword: String = "soft") -> AnalysisResult {
        let session = AnalysisSession(
            requestID: request.id, productID: request.productID, manifest: (0..<cardCount).map { "r\($0)" },
            analyzer: AnalyzerIdentity(name: "test", version: "1"))
        let cards = session.manifest.indices.map { ordinal in
            EmotionCard(
                requestID: request.id, ordinal: ordinal, reviewID: session.manifest[ordinal],
                reading: EmotionReading(
                    emotion: .joy, scores: EmotionScores(), polarity: Fraction(0.5), keywords: [keyword],
                    excerpt: "so \(keyword)"))
        }
        return Fold.result(of: cards, session: session)
    }

    func finalise(_ requests: [AnalysisRequest], cardCount: Int = 3) async throws -> [CloseOutcome] {
        try await self.requests.finalise(
            requests.map { Finalisation(result: result(of: $0, cardCount: cardCount)) })
    }
}

extension SubmitOutcome {
    var accepted: AnalysisRequest? {
        if case .accepted(let request) = self { request } else { nil }
    }

    var repeated: AnalysisRequest? {
        if case .repeated(let request) = self { request } else { nil }
    }
}

extension [OutboxRow] {
    var lastPositions: [Int: OutboxPosition] {
        Dictionary(map { ($0.shard, $0.position) }, uniquingKeysWith: Swift.max)
    }
}

extension Date {
    var microseconds: Int64 { Int64((timeIntervalSince1970 * 1_000_000).rounded()) }
}
