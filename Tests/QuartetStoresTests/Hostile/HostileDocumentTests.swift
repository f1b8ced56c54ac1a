import ClientSupport
import Foundation
import Logging
import Mongo
import QuartetCore
import QuartetTesting
import Testing

@testable import QuartetStores

/// Documents that nobody who goes by the rules can have written, on a real MongoDB: nothing traps, and what is whole beside
/// them is served.
@Suite(.timeLimit(.minutes(5))) struct HostileDocumentTests {
    private let product = ProductID("p")

    @Test func damagedTasksAreClaimedAsWhatTheyAreAndTheOthersWork() async throws {
        try await withMongo { client in
            let queue = MongoTaskQueue(client: client)
            try await queue.prepare()
            let product = try #require(product)
            let tasks = (0..<Damage.count).map { _ in
                AnalysisTask(requestID: .make(), productID: product, generation: 1)
            }
            try await queue.enqueue(tasks)
            let collection = client.collection(MongoTaskQueue.collectionName)
            let whole = Set(tasks.indices.filter { $0 % 3 == 0 }.map { tasks[$0].requestID })
            var damage = Damage(seed: 1)
            let writes = try await collection.find([:]).compactMap { document -> MongoWrite? in
                let id: UUID = try document.decode("_id")
                guard !whole.contains(RequestID(id)) else { return nil }
                return .replaceOne(filter: ["_id": .uuid(id)], replacement: damage.damaged(document), upsert: false)
            }
            try await collection.bulkWrite(writes).throwIfAny()
            // Keys that are no request's.
            let strays: [BSONDocument] = [
                ["_id": .objectID(BSONObjectID()), "state": "live", "available_at": .date(milliseconds: 0)],
                ["_id": "stray", "state": "live"], ["_id": 5, "state": "live", "product_id": 5],
            ]
            try await collection.insertMany(strays).throwIfAny()

            var claimed: [Claim] = []
            var rounds = 0
            while rounds < 3 || !whole.isSubset(of: claimed.map(\.task.requestID)), rounds < 200 + Damage.count / 20 {
                claimed += try await queue.claim(
                    limit: rounds % 5 == 4 ? 1 : 64, worker: "w", leaseDuration: .seconds(100))
                rounds += 1
            }
            #expect(whole.isSubset(of: claimed.filter { $0.problem == nil }.map(\.task.requestID)))
            #expect(claimed.contains { $0.problem != nil })
            for claim in claimed where claim.problem == nil {
                #expect((1...Int(Int32.max)).contains(claim.task.generation))
            }
            #expect(try await collection.countDocuments(["state": "stray"], limit: 9) == 3)

            // As the worker does it: in place of each there is one that can be read.
            let bad = claimed.filter { $0.problem != nil }
            let burials = bad.map { claim in
                TaskBurial(
                    lease: claim.lease, error: claim.problem ?? "",
                    replacement: AnalysisTask(requestID: claim.task.requestID, productID: product, generation: 1))
            }
            for part in stride(from: 0, to: burials.count, by: 100) {
                let held = try await queue.bury(Array(burials[part..<min(part + 100, burials.count)]))
                #expect(held.allSatisfy { $0 })
            }
            let dead = Set(try await queue.dead(after: nil, limit: 10_000).map(\.task.requestID))
            #expect(dead.isSuperset(of: bad.map(\.task.requestID)))
            _ = try await queue.depth()
            let checks = MongoDocumentCheckStore(client: client)
            #expect(try await checks.tasks(in: KeyRange(), limit: 100_000).count == tasks.count)
            // What is still not to be read gives way to a task begun afresh.
            let unreadable = try await checks.tasks(in: KeyRange(), limit: 100_000)
                .filter { $0.generation == TaskFacts.unreadable }
            try await queue.enqueue(
                unreadable.map { AnalysisTask(requestID: $0.id, productID: product, generation: 1) })
            for facts in try await checks.tasks(of: unreadable.map(\.id)) { #expect(facts?.generation == 1) }
        }
    }

    /// As after the server's clock was set back, or that of the next primary is behind.
    @Test func aTaskIsNotDueLaterThanAnythingCanMakeIt() async throws {
        try await withMongo { client in
            var configuration = MongoQueueConfiguration()
            configuration.waitCheckInterval = .zero
            let queue = MongoTaskQueue(client: client, configuration: configuration)
            try await queue.prepare()
            let product = try #require(product)
            let (late, waiting) = (RequestID.make(), RequestID.make())
            try await queue.enqueue(
                [late, waiting].map { AnalysisTask(requestID: $0, productID: product, generation: 1) })
            let collection = client.collection(MongoTaskQueue.collectionName)
            for (id, seconds) in [(late, 3600), (waiting, 60)] {
                _ = try await collection.updateMany(
                    ["_id": .uuid(id.uuid)],
                    [["$set": ["available_at": ["$add": ["$$NOW", .int64(Int64(seconds) * 1000)]]]]])
            }
            let checks = MongoDocumentCheckStore(client: client)
            let facts = try await checks.tasks(of: [late, waiting])
            #expect(facts.map { $0?.isDueTooLate } == [true, false])
            let claims = try await queue.claim(limit: 9, worker: "w", leaseDuration: .seconds(1))
            #expect(claims.map(\.task.requestID) == [late])
        }
    }

    @Test func damagedSessionsFailTheirOwnReadsAlone() async throws {
        try await withMongo { client in
            let store = MongoSessionStore(client: client)
            let product = try #require(product)
            let sessions = (0..<Damage.count / 2).map { index in
                AnalysisSession(
                    requestID: .make(), productID: product, manifest: (0..<index % 7).map { "r-\($0)" },
                    analyzer: AnalyzerIdentity(name: "a", version: "1"))
            }
            _ = try await store.pin(sessions)
            let damaged = try await damage(MongoSessionStore.collectionName, of: client, seed: 2)
            for session in sessions {
                let read = await unlessDamaged { try await store.sessions([session.requestID])[0] }
                if !damaged.contains(session.requestID.uuid) { #expect(read == session) }
            }
            // Among others too.
            let pin = Batcher<AnalysisSession, PinnedSession>(name: "pin") {
                try await store.pin($0).map { .success($0) }
            }
            await withTaskGroup(of: Void.self) { group in
                for session in sessions {
                    group.addTask {
                        let pinned = await unlessDamaged { try await pin(session).session }
                        if !damaged.contains(session.requestID.uuid) { #expect(pinned == session) }
                    }
                }
            }
        }
    }

    @Test func damagedKeywordDetailsAreFoundByTheChecker() async throws {
        try await withMongo { client in
            let store = MongoKeywordStore(client: client)
            let product = try #require(product)
            let details = (0..<Damage.count / 2).map { index in
                KeywordDetails(
                    requestID: .make(), productID: product, analyzer: AnalyzerIdentity(name: "a", version: "1"),
                    cardCount: 3, digest: CardDigest(high: UInt64(index), low: 7),
                    keywords: [
                        .init(
                            term: "k", count: 3, positive: 2, negative: 1, polarity: Fraction(0.5), best: [0, 1],
                            worst: [2])
                    ])
            }
            _ = try await store.insert(details)
            let damaged = try await damage(MongoKeywordStore.collectionName, of: client, seed: 3)
            let read = try await store.details(details.map(\.requestID))
            let walked = try await MongoDocumentCheckStore(client: client).keywordDetails(
                in: KeyRange(), limit: 100_000)
            #expect(walked.count == details.count)
            for (stored, found) in zip(details, read) {
                let found = try #require(found)
                if !damaged.contains(stored.requestID.uuid) { #expect(found == stored) }
                // Folding and writing it again must not trap either.
                _ = KeywordDetails.disagreement(of: found, with: stored)
            }
            try await store.replace(read.compactMap(\.self).filter(\.isReadable))
            #expect(read.contains { $0?.isReadable == false })
        }
    }

    @Test func damagedReviewsAndCardsTrapNobody() async throws {
        try await withMongo { client in
            let (reviews, cards) = (MongoReviewStore(client: client), MongoCardStore(client: client))
            let product = try #require(product)
            let request = RequestID.make()
            let all = (0..<Damage.count / 2).map { Review(id: "r-\($0)", text: "text", rating: 4, date: "2026-01-01") }
            _ = try await reviews.add(all, to: product)
            let fold = Fold(
                session: AnalysisSession(
                    requestID: request, productID: product, manifest: all.map(\.id),
                    analyzer: AnalyzerIdentity(name: "a", version: "1")))
            let made = all.indices.map { index in
                EmotionCard(
                    requestID: request, ordinal: index, reviewID: all[index].id,
                    reading: EmotionReading(
                        emotion: .joy, scores: EmotionScores(), polarity: Fraction(0.5), keywords: ["k"], excerpt: "e"))
            }
            let segments = stride(from: 0, to: made.count, by: 3).map {
                CardSegment(Array(made[$0..<min($0 + 3, made.count)]))
            }
            _ = try await cards.insert(segments)
            for (name, seed) in [(MongoReviewStore.collectionName, 4), (MongoCardStore.collectionName, 5)] {
                _ = try await damage(name, of: client, seed: UInt64(seed))
            }
            for review in all {
                _ = await unlessDamaged { try await reviews.reviews([review.id], of: product) }
            }
            var folded = fold
            try await cards.forEachSegment(of: request, cardsPerRead: 50) { segment in
                for card in segment.cards { folded.add(card) }
            }
            _ = folded.resultAndKeywordDetails()
        }
    }

    /// Damages two of three documents; returns their keys.
    private func damage(_ name: String, of client: MongoClient, seed: UInt64) async throws -> Set<UUID> {
        let collection = client.collection(name)
        var damage = Damage(seed: seed)
        var damaged: Set<UUID> = []
        var writes: [MongoWrite] = []
        for (index, document) in try await collection.find([:]).enumerated() where index % 3 > 0 {
            let id: BSONValue = try document.decode("_id")
            if case .uuid(let id) = id { damaged.insert(id) }
            writes.append(
                .replaceOne(filter: ["_id": id], replacement: damage.damaged(document), upsert: false))
        }
        try await collection.bulkWrite(writes).throwIfAny()
        return damaged
    }
}

/// What is read, nil where that fails as a store's errors do.
private func unlessDamaged<Value: Sendable>(_ body: () async throws -> Value) async -> Value? {
    do {
        return try await body()
    } catch is BSONError {
        return nil
    } catch {
        #expect(error is any StoreFailure, "\(error)")
        return nil
    }
}
