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

    /// Runs the body while a transaction is open that has written some events of product `held`, and commits it afterwards.
    package let whileTransactionIsOpen:
        @Sendable (_ events: Int, _ body: @escaping @Sendable () async throws -> Void) async throws -> Void

    package init(
        requests: any RequestStore, products: any ProductStore, outbox: any OutboxStore, shardCount: Int,
        whileTransactionIsOpen:
            @escaping @Sendable (_ events: Int, _ body: @escaping @Sendable () async throws -> Void) async throws ->
            Void
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
        ) { count, body in
            let event = DomainEvent(
                id: "", type: .productUpdated, aggregateID: "held", version: 1,
                payload: ProductPayload(name: "held").json, occurredAt: .distantPast)
            let transaction = database.beginTransaction(writing: Array(repeating: event, count: count))
            defer { database.commit(transaction) }
            try await body()
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
    package func submit(_ products: [ProductID]) async throws -> [AnalysisRequest] {
        let outcomes = try await requests.submit(products.map { Submission(id: .make(), productID: $0) })
        return try outcomes.map { try #require($0.accepted) }
    }

    /// What a sink reads, by an owner of its own until there is nothing left; it must come by `count` rows.
    func drain(_ sink: OutboxSink = .events, count: Int, owner: UUID = UUID()) async throws -> [OutboxRow] {
        _ = try await outbox.holdShards(of: sink, owner: owner, leaseDuration: .seconds(60))
        var rows: [OutboxRow] = []
        var seen = 0
        while true {
            let batch = try await outbox.read(sink: sink, owner: owner, limit: 300)
            guard !batch.isEmpty else { break }
            rows += batch.rows
            seen += batch.seen
            _ = try await outbox.advance(sink: sink, owner: owner, past: batch)
        }
        #expect(seen == count)
        #expect(try await outbox.read(sink: sink, owner: owner, limit: 1).isEmpty)
        try await outbox.releaseShards(of: sink, owner: owner)
        return rows
    }

    /// The events of one type that are in the outbox, which has `count` rows in all.
    package func events(_ type: EventType, of count: Int) async throws -> [DomainEvent] {
        try await drain(count: count).map(\.event).filter { $0.type == type }
    }

    /// A result as a worker would hand it in.
    package func result(of request: AnalysisRequest, cardCount: Int = 3, keyword: String = "soft") -> AnalysisResult {
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
            requests.map { Finalisation(result: result(of: $0, cardCount: cardCount)) }
        ).map(\.close)
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

extension DomainEvent {
    /// What events of analyses carry, whatever else.
    var analysis: AnalysisPayload? { try? payload() }
    var completion: CompletionPayload? { try? payload() }
}

extension OutboxBatch {
    /// The positions of the shards behind this batch.
    var ends: [Int: Int64] { moves.mapValues(\.to.position) }
}

extension Date {
    var microseconds: Int64 { Int64((timeIntervalSince1970 * 1_000_000).rounded()) }
}
