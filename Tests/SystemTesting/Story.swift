import Foundation
import Kafka
package import QuartetCore
package import Testing

/// What the four stores must tell of requests that are over, looked up in each store by itself.
package struct Story {
    private let stores: Stores
    private let location: SourceLocation
    /// Rows may have been delivered once more than they had to be: a relay died between delivery and cursor.
    package var eventsMayRepeat = false
    /// Progress may be lost: a worker died before it could report the end.
    package var progressMayLag = false
    /// Tombstones may be lost with the rest of Redis.
    package var cacheMayForget = false
    /// How often each request failed and was retried.
    package var failuresBefore = 0
    /// How often each request was cancelled and retried.
    package var cancellationsBefore = 0

    package init(_ stores: Stores, sourceLocation: SourceLocation = #_sourceLocation) {
        self.stores = stores
        location = sourceLocation
    }

    /// Each request is completed, in every store, once.
    package func expectCompleted(_ ids: [RequestID]) async throws {
        try await settle(ids)
        for id in ids {
            try await expectRow(id, status: "completed")
            try await expectResult(id)
            try await expectOutbox(id, types: typesBefore + ["analysis.requested", "analysis.completed"])
            if !progressMayLag { try await expectProgress(id) }
            if !cacheMayForget { try await expectTombstone(id) }
        }
        try await expectEvents(ids, types: typesBefore + ["analysis.requested", "analysis.completed"])
        try await expectEveryKeyToExpire()
    }

    private var typesBefore: [String] {
        Array(repeating: ["analysis.requested", "analysis.failed"], count: failuresBefore).flatMap { $0 }
            + Array(repeating: ["analysis.requested", "analysis.cancelled"], count: cancellationsBefore).flatMap { $0 }
    }

    /// Each request is cancelled, in every store: no result, and no task whether live or dead.
    package func expectCancelled(_ ids: [RequestID]) async throws {
        try await settle(ids)
        for id in ids {
            try await expectRow(id, status: "cancelled")
            let results = try await stores.count("analysis.analysis_results WHERE request_id = '\(id)'")
            #expect(results == 0, sourceLocation: location)
            let types = try await stores.rows(
                "SELECT type FROM events.outbox WHERE aggregate_id = '\(id)' ORDER BY id")
            #expect(types.last == ["analysis.cancelled"], sourceLocation: location)
        }
        try await expectEveryKeyToExpire()
    }

    /// Each request failed, in every store, once; its task is kept as dead.
    package func expectFailed(_ ids: [RequestID]) async throws {
        for id in ids {
            try await eventually("the task of \(id) is dead") {
                try await stores.task(of: id)?.state == "dead"
            }
        }
        try await waitForRelays()
        for id in ids {
            try await expectRow(id, status: "failed")
            let results = try await stores.count("analysis.analysis_results WHERE request_id = '\(id)'")
            #expect(results == 0, sourceLocation: location)
            try await expectOutbox(id, types: ["analysis.requested", "analysis.failed"])
        }
        try await expectEvents(ids, types: ["analysis.requested", "analysis.failed"])
        try await expectEveryKeyToExpire()
    }

    // MARK: What takes a moment

    /// Waits until what follows a completion has arrived everywhere.
    private func settle(_ ids: [RequestID]) async throws {
        try await waitForRelays()
        for id in ids {
            try await eventually("the task of \(id) is gone") {
                try await stores.task(of: id) == nil
            }
        }
    }

    package func waitForRelays() async throws {
        try await eventually("both relays have delivered every row") {
            try await stores.count(
                """
                events.outbox o CROSS JOIN (VALUES ('queue'), ('events')) s (sink)
                LEFT JOIN events.outbox_cursors c USING (sink, shard)
                WHERE c.sink IS NULL OR o.id > c.position OR o.transaction = ANY (c.pending)
                """) == 0
        }
    }

    // MARK: PostgreSQL and MongoDB

    private func expectRow(_ id: RequestID, status: String) async throws {
        let rows = try await stores.rows(
            "SELECT status, closed_at IS NOT NULL FROM analysis.analysis_requests WHERE request_id = '\(id)'")
        #expect(rows == [[status, "t"]], sourceLocation: location)
    }

    /// The result and the keyword details are the fold of the cards, which are there once for each review of the manifest.
    private func expectResult(_ id: RequestID) async throws {
        let rows = try await stores.rows(
            """
            SELECT card_count, encode(digest, 'hex'), result, product_id
            FROM analysis.analysis_results WHERE request_id = '\(id)'
            """)
        try #require(rows.count == 1, "one result of \(id)", sourceLocation: location)
        let session = try #require(try await stores.session(of: id), sourceLocation: location)
        let cards = try await stores.cards(of: id)
        #expect(cards.map(\.ordinal) == Array(session.manifest.indices), sourceLocation: location)
        #expect(cards.map(\.reviewID) == session.manifest, sourceLocation: location)
        let fold = Fold(session: session).adding(cards)
        let result = fold.result()
        #expect(rows[0][0] == "\(session.manifest.count)", sourceLocation: location)
        #expect(rows[0][1] == result.digest.description, sourceLocation: location)
        #expect(Array(rows[0][2].utf8) == result.json, sourceLocation: location)
        #expect(rows[0][3] == session.productID.text, sourceLocation: location)
        #expect(try await stores.keywordDetails(of: id) == fold.keywordDetails(), sourceLocation: location)
    }

    private func expectOutbox(_ id: RequestID, types: [String]) async throws {
        let rows = try await stores.rows(
            "SELECT type FROM events.outbox WHERE aggregate_id = '\(id)' ORDER BY id")
        #expect(rows.map { $0[0] } == types, sourceLocation: location)
    }

    // MARK: Redis

    private func expectProgress(_ id: RequestID) async throws {
        let key = "analysis_progress:{\(id)}"
        let progress = try await eventually("the progress of \(id) is completed") { () -> [String: String]? in
            let progress = try await stores.hash(key)
            return progress["phase"] == "completed" ? progress : nil
        }
        let count = try await stores.session(of: id)?.manifest.count ?? -1
        #expect(progress["done"] == "\(count)", sourceLocation: location)
        #expect(progress["total"] == "\(count)", sourceLocation: location)
    }

    /// The cache has nothing older than the result.
    private func expectTombstone(_ id: RequestID) async throws {
        let rows = try await stores.rows(
            """
            SELECT product_id, (extract(epoch FROM completed_at) * 1000000)::bigint
            FROM analysis.analysis_results WHERE request_id = '\(id)'
            """)
        let product = try #require(rows.first?[0], sourceLocation: location)
        let version = try #require(Int64(rows[0][1]), sourceLocation: location)
        try await eventually("the cache knows the version of \(id)") {
            let cached = try await stores.hash("analysis_cache:{\(product)}")
            return cached["version"].flatMap { Int64($0) } ?? 0 >= version
        }
    }

    private func expectEveryKeyToExpire() async throws {
        for key in try await stores.keys() {
            #expect(try await stores.timeToLive(key) > 0, "\(key)", sourceLocation: location)
        }
    }

    // MARK: Kafka

    /// Each event is in the topic once, in order, as the outbox has it.
    private func expectEvents(_ ids: [RequestID], types: [String]) async throws {
        let keys = Set(ids.map(\.description))
        let records = try await stores.records(of: .analysis).filter { record in
            record.key.map { keys.contains(String(decoding: $0, as: UTF8.self)) } ?? false
        }
        var repeated = 0
        for key in keys {
            var known: Set<String> = []
            let all = records.filter { $0.key == Array(key.utf8) }
            #expect(Set(all.map(\.partition)).count == 1, "\(key) is in one partition", sourceLocation: location)
            let first = all.filter { known.insert($0.text("ce_id")).inserted }
            #expect(first.map { $0.text("ce_type") } == types, "\(key)", sourceLocation: location)
            repeated += all.count - first.count
            let versions = first.compactMap { Int64($0.text("ce_aggregateversion")) }
            #expect(versions.count == types.count && versions == versions.sorted(), sourceLocation: location)
        }
        // A batch whose answer does not come on a busy machine is sent again; what is sent twice each time is a mistake.
        if !eventsMayRepeat {
            #expect(repeated * 2 <= keys.count * types.count, "\(repeated) repeated", sourceLocation: location)
        }
    }
}

extension KafkaConsumedRecord {
    fileprivate func text(_ header: String) -> String {
        self.header(header).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
