import Foundation
package import Mongo
package import QuartetCore

/// What the checker reads and mends in MongoDB, each collection in the order of its keys: a request's id is a UUID in
/// `_id`, and UUIDs sort as in PostgreSQL.
///
/// Tasks are read as the primary has them; the others as a majority has, which is what results are folded from.
package struct MongoDocumentCheckStore: DocumentCheckStore {
    private let tasks, sessions, cards, keywords: MongoCollection

    package init(client: MongoClient) {
        tasks = client.collection(MongoTaskQueue.collectionName, readConcern: .local)
        sessions = client.collection(MongoSessionStore.collectionName, readConcern: .majority)
        cards = client.collection(MongoCardStore.collectionName, readConcern: .majority)
        keywords = client.collection(MongoKeywordStore.collectionName, readConcern: .majority)
    }

    // MARK: Tasks

    package func tasks(in range: KeyRange, limit: Int) async throws -> [TaskFacts] {
        let options = MongoFindOptions(
            sort: ["_id": 1], projection: ["_id": 1, "state": 1, "generation": 1], limit: limit)
        return try await tasks.find(Self.filter(range), options).map(Self.task)
    }

    package func tasks(of ids: [RequestID]) async throws -> [TaskFacts?] {
        guard !ids.isEmpty else { return [] }
        let options = MongoFindOptions(projection: ["_id": 1, "state": 1, "generation": 1])
        let found = try await tasks.find(Self.filter(ids), options).map(Self.task)
        let byID = Dictionary(found.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        return ids.map { byID[$0] }
    }

    package func removeTasks(_ facts: [TaskFacts]) async throws {
        guard !facts.isEmpty else { return }
        let writes = facts.map { task in
            MongoWrite.deleteOne(filter: [
                "_id": .uuid(task.id.uuid), "state": .string(task.isDead ? "dead" : "live"),
                "generation": .int(task.generation),
            ])
        }
        try await tasks.bulkWrite(writes).throwIfAny()
    }

    package func buryTasks(_ burials: [(task: AnalysisTask, error: String)]) async throws {
        guard !burials.isEmpty else { return }
        // Where a later generation is there, the insert meets its key.
        try await tasks.bulkWrite(burials.map { StoredTask.grave(of: $0.task, error: $0.error) })
            .throwUnlessDuplicates()
    }

    // MARK: Sessions

    package func sessions(in range: KeyRange, limit: Int) async throws -> [RequestID] {
        // The index alone answers.
        let options = MongoFindOptions(sort: ["_id": 1], projection: ["_id": 1], limit: limit)
        return try await sessions.find(Self.filter(range), options).map(Self.id)
    }

    package func haveSessions(_ ids: [RequestID]) async throws -> [Bool] {
        guard !ids.isEmpty else { return [] }
        let options = MongoFindOptions(projection: ["_id": 1])
        let found = Set(try await sessions.find(Self.filter(ids), options).map(Self.id))
        return ids.map(found.contains)
    }

    package func removeSessions(_ ids: [RequestID]) async throws {
        guard !ids.isEmpty else { return }
        _ = try await sessions.deleteMany(Self.filter(ids))
    }

    // MARK: Cards

    package func segments(
        after position: CardPosition, through: RequestID, limit: Int
    ) async throws -> [CardSegment] {
        // One more tells how far the last one reaches.
        let options = MongoFindOptions(sort: ["_id": 1], limit: limit + 1)
        let read = try await cards.find(Self.filter(position, through), options).map(StoredSegment.read)
        return Array(CardSegment.cut(read).prefix(limit))
    }

    package func segmentKeys(
        after position: CardPosition, through: RequestID, limit: Int
    ) async throws -> [CardPosition] {
        // The index alone answers.
        let options = MongoFindOptions(sort: ["_id": 1], projection: ["_id": 1], limit: limit)
        return try await cards.find(Self.filter(position, through), options).map { document in
            let (id, first) = try StoredSegment.key(document)
            return CardPosition(id: id, ordinal: first)
        }
    }

    package func removeCards(_ removals: [(id: RequestID, from: Int)]) async throws {
        guard !removals.isEmpty else { return }
        let writes = removals.flatMap { id, ordinal -> [MongoWrite] in
            let (low, high) = (StoredSegment.key(id, .minKey), StoredSegment.key(id, .maxKey))
            guard ordinal > 0 else { return [.deleteMany(filter: ["_id": ["$gt": low, "$lt": high]])] }
            let key = StoredSegment.key(id, .int32(Int32(clamping: ordinal)))
            let length: BSONDocument = ["$subtract": [.int32(Int32(clamping: ordinal)), "$_id.first"]]
            return [
                .deleteMany(filter: ["_id": ["$gte": key, "$lt": high]]),
                .updateMany(
                    filter: ["_id": ["$gt": low, "$lt": key], "cards": ["$type": "array"]],
                    update: [["$set": ["cards": ["$slice": ["$cards", .document(length)]]]]]),
            ]
        }
        try await cards.bulkWrite(writes).throwIfAny()
    }

    // MARK: Keyword details

    package func keywordDetails(in range: KeyRange, limit: Int) async throws -> [KeywordDetails] {
        try await keywords.find(Self.filter(range), MongoFindOptions(sort: ["_id": 1], limit: limit))
            .map(StoredKeywords.read)
    }

    package func keywordDetailsKeys(in range: KeyRange, limit: Int) async throws -> [RequestID] {
        // The index alone answers.
        let options = MongoFindOptions(sort: ["_id": 1], projection: ["_id": 1], limit: limit)
        return try await keywords.find(Self.filter(range), options).map(Self.id)
    }

    package func removeKeywordDetails(_ ids: [RequestID]) async throws {
        guard !ids.isEmpty else { return }
        _ = try await keywords.deleteMany(Self.filter(ids))
    }

    // MARK: Keys

    private static func filter(_ range: KeyRange) -> BSONDocument {
        ["_id": ["$gt": .uuid(range.after.uuid), "$lte": .uuid(range.through.uuid)]]
    }

    private static func filter(_ ids: [RequestID]) -> BSONDocument {
        ["_id": ["$in": .array(ids.map(\.uuid))]]
    }

    private static func filter(_ position: CardPosition, _ through: RequestID) -> BSONDocument {
        let first = position.ordinal.map { BSONValue.int32(Int32(clamping: $0)) } ?? .maxKey
        let (low, high) = (StoredSegment.key(position.id, first), StoredSegment.key(through, .maxKey))
        return ["_id": ["$gt": low, "$lt": high]]
    }

    private static func id(_ document: BSONDocument) throws -> RequestID {
        var reader = BSONReader(document)
        while try reader.next() {
            if reader.isKey("_id") { return RequestID(try reader.uuid()) }
        }
        throw BSONError(.missingKey, key: "_id")
    }

    private static func task(_ document: BSONDocument) throws -> TaskFacts {
        var id: RequestID?
        var isDead = false
        var generation = 0
        var reader = BSONReader(document)
        while try reader.next() {
            if reader.isKey("_id") {
                id = RequestID(try reader.uuid())
            } else if reader.isKey("state") {
                isDead = try reader.utf8().elementsEqual("dead".utf8)
            } else if reader.isKey("generation") {
                generation = try reader.int()
            }
        }
        guard let id else { throw BSONError(.missingKey, key: "_id") }
        return TaskFacts(id: id, isDead: isDead, generation: generation)
    }
}
