import Foundation
import Mongo
import Postgres
import QuartetCore
import QuartetStores
import SystemTesting

/// A fault at a known place, as the checker is to report it.
struct Plant: Hashable, CustomStringConvertible {
    let kind: FindingKind
    let key: String

    var description: String { "\(kind.rawValue) \(key)" }
}

/// InjectedFaults faults of every kind into seeded stores, at the ends, in the middle and on both sides of where chunks end.
struct Planter {
    let stores: SeededStores
    let system: QuartetSystem

    /// Numbers of requests whose status is that, from `start` on.
    private func number(_ status: RequestStatus, from start: Int) -> Int {
        (start..<stores.count).first { stores.status($0) == status } ?? 0
    }

    /// InjectedFaults what stays as it is while the system works, and returns what is to be found.
    func plantAll() async throws -> Set<Plant> {
        var plants: Set<Plant> = []
        plants.formUnion(try await plantTasks())
        plants.formUnion(try await plantResults())
        plants.formUnion(try await plantFolds())
        plants.formUnion(try await plantKeywords())
        plants.formUnion(try await plantOrphans())
        plants.formUnion(try await plantKeys())
        plants.formUnion(try await plantReadModels())
        plants.insert(try await plantWaitingRow())
        plants.insert(try await plantDanglingListing())
        return plants
    }

    func plantMissingTasks(_ numbers: [Int]) async throws -> Set<Plant> {
        try await remove(numbers, from: stores.collection("analysis_queue"))
        return of(.taskMissing, numbers)
    }

    /// As a server leaves it whose clock was ahead. A worker that runs brings it back.
    func plantLateTask() async throws -> Set<Plant> {
        let late = number(.queued, from: 1)
        _ = try await stores.collection("analysis_queue").updateOne(
            ["_id": .uuid(stores.id(late).uuid)], ["$set": ["available_at": .date(milliseconds: 1 << 45)]])
        return of(.taskDueTooLate, [late])
    }

    func plantWrongDigest(_ number: Int) async throws -> Set<Plant> {
        try await stores.postgres.execute(
            script: """
                UPDATE analysis.analysis_results SET digest = set_byte(digest, 3, get_byte(digest, 3) # 1)
                WHERE request_id = '\(stores.id(number))'
                """)
        return of(.foldDigest, [number])
    }

    private func of(_ kind: FindingKind, _ numbers: [Int]) -> Set<Plant> {
        Set(numbers.map { Plant(kind: kind, key: stores.id($0).description) })
    }

    // MARK: Tasks

    private func plantTasks() async throws -> Set<Plant> {
        let queue = stores.collection("analysis_queue")
        let last = stores.count - 5
        let missing = [0, 4095, 4100, 50_000, last].map { number(.queued, from: $0) }
        let earlier = number(.queued, from: 7000)
        let later = number(.queued, from: 7100)
        let dead = number(.queued, from: 7200)
        let liveButClosed = [number(.completed, from: 1), number(.cancelled, from: 8192)]
        let liveButFailed = number(.failed, from: 9000)
        let deadButClosed = [number(.completed, from: 9100), number(.cancelled, from: 9200)]
        let deadMissing = [number(.failed, from: 1), number(.failed, from: 70_000)]
        try await remove(missing + deadMissing, from: queue)
        // The request is in a later generation, opened again; its task is not.
        try await stores.postgres.execute(
            script: "UPDATE analysis.analysis_requests SET generation = 2 WHERE request_id = '\(stores.id(earlier))'")
        _ = try await queue.updateOne(["_id": .uuid(stores.id(later).uuid)], ["$set": ["generation": 3]])
        _ = try await queue.updateOne(["_id": .uuid(stores.id(dead).uuid)], ["$set": ["state": "dead"]])
        _ = try await queue.updateOne(["_id": .uuid(stores.id(liveButFailed).uuid)], ["$set": ["state": "live"]])
        var tasks = BSONBatch()
        for number in liveButClosed { tasks.append { stores.writeTask(number, isDead: false, to: &$0) } }
        for number in deadButClosed { tasks.append { stores.writeTask(number, isDead: true, to: &$0) } }
        try await queue.insertMany(tasks).throwIfAny()
        return of(.taskMissing, missing).union(of(.taskGeneration, [earlier, later])).union(
            of(.taskDeadButOpen, [dead])
        )
        .union(of(.taskLiveButClosed, liveButClosed)).union(of(.taskLiveButFailed, [liveButFailed]))
        .union(of(.taskDeadButClosed, deadButClosed)).union(of(.deadTaskMissing, deadMissing))
    }

    // MARK: Results

    private func plantResults() async throws -> Set<Plant> {
        let lost = [number(.completed, from: 20_000), number(.completed, from: stores.count - 20)]
        let lostWithCards = number(.completed, from: 20_100)
        let unexpected = [
            number(.queued, from: 20_200), number(.cancelled, from: 20_300), number(.failed, from: 20_400),
        ]
        let orphans = [-50, stores.count + 50]
        for number in lost + [lostWithCards] {
            try await stores.postgres.execute(
                script: "DELETE FROM analysis.analysis_results WHERE request_id = '\(stores.id(number))'")
        }
        _ = try await stores.collection("emotion_card_segments").deleteMany(
            ["request_id": .uuid(stores.id(lostWithCards).uuid)])
        for number in unexpected + orphans {
            try await stores.postgres.execute(
                script: """
                    SET session_replication_role = replica;
                    INSERT INTO analysis.analysis_results
                        (request_id, product_id, completed_at, card_count, digest, analyzer, result)
                    VALUES ('\(stores.id(number))', 'elsewhere', now() - interval '1 day', 0,
                        '\\x00000000000000000000000000000000', 'a/1', '{}');
                    RESET session_replication_role
                    """)
        }
        return of(.resultMissing, lost + [lostWithCards]).union(of(.resultUnexpected, unexpected))
            .union(of(.resultOrphaned, orphans))
    }

    private func plantFolds() async throws -> Set<Plant> {
        let cards = stores.collection("emotion_card_segments")
        // The card of ordinal 0 is there for each.
        let without = number(.completed, from: 30_000)
        let withMore = number(.completed, from: 30_100)
        let changed = number(.completed, from: 30_200)
        let miscounted = number(.completed, from: 30_300)
        let misdigested = [number(.completed, from: 30_400), number(.completed, from: stores.count - 10)]
        let misread = number(.completed, from: 30_500)
        _ = try await cards.updateOne(["request_id": .uuid(stores.id(without).uuid)], ["$pop": ["cards": 1]])
        _ = try await MongoCardStore(client: stores.mongo).insert([CardSegment([stores.card(withMore, 7)])])
        _ = try await cards.updateOne(
            ["request_id": .uuid(stores.id(changed).uuid)], ["$set": ["cards.0.excerpt": "changed"]])
        func update(_ number: Int, _ assignment: String) async throws {
            try await stores.postgres.execute(
                script:
                    "UPDATE analysis.analysis_results SET \(assignment) WHERE request_id = '\(stores.id(number))'")
        }
        try await update(miscounted, "card_count = card_count + 1")
        for number in misdigested { try await update(number, "digest = set_byte(digest, 3, get_byte(digest, 3) # 1)") }
        try await update(misread, "result = replace(result::text, '\"polarity\"', '\"Polarity\"')::json")
        return of(.foldCount, [without, withMore, miscounted]).union(of(.foldDigest, misdigested + [changed]))
            .union(of(.foldDocument, [misread]))
            // Details are of the cards that were: with these they are not the fold either.
            .union(of(.keywordsFold, [without, withMore, changed]))
    }

    /// Details of which one thing is changed, each in another way, and some that are gone, at ends of chunks too.
    private func plantKeywords() async throws -> Set<Plant> {
        let details = stores.collection("keyword_details")
        let last = stores.count - 30
        let missing = [number(.completed, from: 0), number(.completed, from: 40_000), number(.completed, from: last)]
        try await remove(missing, from: details)
        let changes: [BSONDocument] = [
            ["reviews": 17], ["digest": .string(CardDigest(high: 1, low: 2).description)],
            ["keywords.0.positive": 9], ["keywords.1.term": "elsewhere"], ["keywords": .array([BSONValue]())],
            ["product_id": "elsewhere"],
        ]
        var changed: [Int] = []
        for (index, change) in changes.enumerated() {
            let number = number(.completed, from: 40_100 + 512 * index)
            _ = try await details.updateOne(["_id": .uuid(stores.id(number).uuid)], ["$set": .document(change)])
            changed.append(number)
        }
        return of(.keywordsMissing, missing).union(of(.keywordsFold, changed))
    }

    /// Details of numbers that have no request.
    func plantOrphanedKeywords(_ numbers: [Int]) async throws -> Set<Plant> {
        let details = stores.keywordDetails(1_003)
        _ = try await MongoKeywordStore(client: stores.mongo).insert(
            numbers.map {
                KeywordDetails(
                    requestID: stores.id($0), productID: details.productID, analyzer: details.analyzer,
                    cardCount: details.cardCount, digest: details.digest, keywords: details.keywords)
            })
        return of(.keywordsOrphaned, numbers)
    }

    // MARK: Documents without requests

    private func plantOrphans() async throws -> Set<Plant> {
        let tasks = [-10, stores.count + 10]
        let sessions = [-20, stores.count + 20]
        let cards = [-30, stores.count + 30]
        var batch = BSONBatch()
        for number in tasks { batch.append { stores.writeTask(number, isDead: number < 0, to: &$0) } }
        try await stores.collection("analysis_queue").insertMany(batch).throwIfAny()
        _ = try await MongoSessionStore(client: stores.mongo).pin(
            sessions.map { stores.session($0 + 1_000) }.enumerated()
                .map { index, session in
                    AnalysisSession(
                        requestID: stores.id(sessions[index]), productID: session.productID, manifest: session.manifest,
                        analyzer: session.analyzer)
                })
        let readings = stores.card(1_000, 0).reading
        _ = try await MongoCardStore(client: stores.mongo).insert(
            cards.map { number in
                CardSegment(
                    (0..<2).map {
                        EmotionCard(requestID: stores.id(number), ordinal: $0, reviewID: "r-\($0)", reading: readings)
                    })
            })
        // Keys lie between those of requests too.
        let between = RequestID(UUID(uuid: Self.next(stores.id(60_000).uuid.uuid)))
        _ = try await MongoSessionStore(client: stores.mongo).pin([
            AnalysisSession(
                requestID: between, productID: stores.product(1), manifest: ["r-0"],
                analyzer: AnalyzerIdentity(name: "a", version: "1"))
        ])
        return of(.taskOrphaned, tasks).union(of(.sessionOrphaned, sessions)).union(of(.cardsOrphaned, cards))
            .union([Plant(kind: .sessionOrphaned, key: between.description)])
            .union(try await plantOrphanedKeywords([-40, -30, stores.count + 40]))
    }

    // MARK: Copies

    private func plantKeys() async throws -> Set<Plant> {
        let prefix = system.environment["REDIS_PREFIX"] ?? ""
        func plant(_ kind: FindingKind, _ key: String, _ fields: String..., ttl: Int?) async throws -> Plant {
            _ = try await system.stores.redis(["HSET", prefix + key] + fields)
            if let ttl { _ = try await system.stores.redis(["EXPIRE", prefix + key, "\(ttl)"]) }
            return Plant(kind: kind, key: prefix + key)
        }
        return [
            try await plant(.cacheStale, "product_cache:{seed-3}", "version", "1", "value", "{}", ttl: 3600),
            try await plant(.cacheStale, "analysis_cache:{seed-4}", "version", "17", "value", "{}", ttl: 3600),
            try await plant(.cacheWithoutRow, "product_cache:{nobody}", "version", "1", "value", "{}", ttl: 3600),
            // Of a result that was removed: an older one is the latest now.
            try await plant(
                .cacheWithoutRow, "analysis_cache:{seed-5}", "version", "9000000000000000", "value", "{}", ttl: 3600),
            try await plant(
                .keyWithoutExpiry, "analysis_progress:{\(stores.id(3))}", "done", "1", "total", "1", ttl: nil),
            try await plant(.keyWithoutExpiry, "something", "else", "1", ttl: nil),
        ]
    }

    /// Two listings, one of a product that is not there.
    private func plantDanglingListing() async throws -> Plant {
        let id = "00000000-0000-4000-8000-000000000007"
        _ = try await system.stores.rows(
            """
            INSERT INTO market.market_listings (listing_id, product_id, marketplace, version, updated_at) VALUES
                ('\(id)', 'nobody', 'm', 1, now() - interval '1 hour'),
                ('b', 'seed-1', 'm', 1, now() - interval '1 hour')
            """, in: "MARKET")
        return Plant(kind: .referenceDangling, key: "market_listings/\(id)")
    }

    /// Users of whom one is not in the copy, one is there as somebody else, and one is as it is.
    private func plantReadModels() async throws -> Set<Plant> {
        let ids = (1...3).map { "00000000-0000-4000-9000-00000000000\($0)" }
        for (index, id) in ids.enumerated() {
            _ = try await system.stores.rows(
                """
                WITH u AS (
                    INSERT INTO auth.users (user_id, nickname, version, created_at, updated_at)
                    VALUES ('\(id)', 'n', 2, now() - interval '2 hours', now() - interval '1 hour') RETURNING user_id
                )
                INSERT INTO auth.user_profiles (user_id, name, email) SELECT user_id, 'name', 'e' FROM u
                """)
            guard index > 0 else { continue }
            _ = try await system.stores.rows(
                """
                INSERT INTO my.users_view (user_id, nickname, name, email, version, is_deleted, changed_at)
                VALUES ('\(id)', 'n', '\(index == 1 ? "another" : "name")', 'e', 2, false, now() - interval '1 hour')
                """, in: "MARKET")
        }
        return [
            Plant(kind: .readModelBehind, key: "users_view/\(ids[0])"),
            Plant(kind: .readModelDiffers, key: "users_view/\(ids[1])"),
        ]
    }

    /// What no program can mend: somebody says what the listing is of.
    func mendListing() async throws {
        _ = try await system.stores.rows(
            "UPDATE market.market_listings SET product_id = 'seed-2' WHERE product_id = 'nobody'", in: "MARKET")
    }

    /// Rows in a shard that a relay holds and does not serve.
    private func plantWaitingRow() async throws -> Plant {
        try await stores.postgres.execute(
            script: """
                INSERT INTO events.outbox_cursors (sink, shard, epoch) SELECT 'events', n, 1 FROM generate_series(0, 7) n
                    ON CONFLICT DO NOTHING;
                UPDATE events.outbox_cursors SET owner = gen_random_uuid(), owned_until = now() + interval '1 hour'
                    WHERE sink = 'events' AND shard = 3;
                INSERT INTO events.outbox (shard, epoch, type, aggregate_id, version, payload, occurred_at)
                    VALUES (3, 1, 'product.updated', 'seed-3', 2, '{"name":"x"}', now() - interval '1 hour');
                INSERT INTO events.outbox_cursors (sink, shard, epoch, position)
                    SELECT 'queue', n, 1, (SELECT max(id) FROM events.outbox) FROM generate_series(0, 7) n
                    ON CONFLICT (sink, shard) DO UPDATE SET position = excluded.position
                """)
        return Plant(kind: .outboxWaiting, key: "dropship.events/3")
    }

    /// The relay that held the shard is gone.
    func letGoOfShard() async throws {
        try await stores.postgres.execute(
            script:
                "UPDATE events.outbox_cursors SET owned_until = now() - interval '1 minute' WHERE shard = 3 AND sink = 'events'"
        )
    }

    private func remove(_ numbers: [Int], from collection: MongoCollection) async throws {
        _ = try await collection.deleteMany(["_id": ["$in": .array(numbers.map { stores.id($0).uuid })]])
    }

    private static func next(_ bytes: uuid_t) -> uuid_t {
        var bytes = bytes
        bytes.9 = 1
        return bytes
    }
}
