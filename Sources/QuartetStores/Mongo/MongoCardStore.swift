import Foundation
package import Mongo
package import QuartetCore

/// Segments of emotion cards in the collection `emotion_card_segments`, keyed by request and first ordinal, so that a
/// request's segments lie together in the order of the manifest. The layout is ``StoredSegment``'s.
///
/// Results are folded from these cards, so writes wait for a majority, also those that find their key taken, and reads see
/// what a majority has.
package struct MongoCardStore: CardStore {
    package static let collectionName = "emotion_card_segments"
    /// Segments that are read together; each has some 64 KB at most.
    static let segmentsPerReadMax = 256
    /// How many a place has room for where many are read together.
    private static let segmentsPerPlace = 2

    private let collection: MongoCollection

    package init(client: MongoClient) {
        collection = client.collection(Self.collectionName, writeConcern: .majority, readConcern: .majority)
    }

    package func insert(_ segments: [CardSegment]) async throws -> InsertedSegments {
        guard !segments.isEmpty else { return InsertedSegments(isNew: []) }
        let createdAt = Date().bsonMilliseconds
        var batch = BSONBatch(reservingBytes: segments.reduce(0) { $0 + StoredSegment.usualBytes($1) })
        for segment in segments {
            batch.append { StoredSegment.write(segment, createdAt: createdAt, to: &$0) }
        }
        let result = try await collection.insertMany(batch)
        try result.throwUnlessDuplicates()
        var isNew = [Bool](repeating: true, count: segments.count)
        for error in result.errors { isNew[error.index] = false }
        return InsertedSegments(isNew: isNew, term: WriteTerm(of: result))
    }

    package func replace(_ pairs: [(stored: CardSegment, by: CardSegment?)]) async throws {
        guard !pairs.isEmpty else { return }
        let createdAt = Date().bsonMilliseconds
        let writes = pairs.map { stored, replacement -> MongoWrite in
            let filter = Self.filter(stored)
            guard let replacement else { return .deleteOne(filter: filter) }
            return .replaceOne(
                filter: filter,
                replacement: BSONDocument { StoredSegment.write(replacement, createdAt: createdAt, to: &$0) })
        }
        try await collection.bulkWrite(writes).throwIfAny()
    }

    private static func filter(_ stored: CardSegment) -> BSONDocument {
        guard !stored.isDamaged else { return ["_id": StoredSegment.key(stored)] }
        // What was read may be less than what is stored, see ``CardSegment/cut(_:)``.
        let reviews: BSONDocument = ["$slice": ["$cards.review_id", .int(stored.cards.count)]]
        let ids = BSONValue.array(stored.cards.map(\.reviewID))
        return [
            "_id": StoredSegment.key(stored), "$expr": ["$eq": [.document(reviews), ["$literal": ids]]],
        ]
    }

    package func segments(of request: RequestID, after: Int?, limit: Int) async throws -> [CardSegment] {
        var found: [CardSegment] = []
        var (cards, position) = (0, after ?? -1)
        var size = min(limit / CardSegment.cardsMax + 2, Self.segmentsPerReadMax)
        while true {
            // One more tells how far the last one reaches.
            let read = try await read(request, from: position + 1, limit: size + 1)
            let page = CardSegment.cut(read).prefix(size)
            for segment in page where segment.isDamaged || segment.end > position + 1 {
                found.append(segment)
                cards += segment.end - max(segment.first, position + 1)
            }
            let next = page.last.map { max($0.end - 1, $0.first) } ?? position
            guard read.count > size, cards < limit, next > position else { return found }
            position = next
            size = min(size * 2, Self.segmentsPerReadMax)
        }
    }

    /// The segment that has the card of ordinal `start`, if there is one, and those that begin behind it.
    private func read(_ request: RequestID, from start: Int, limit: Int) async throws -> [CardSegment] {
        // What lies before has no ordinal.
        let (low, high) = (StoredSegment.key(request, .int32(0)), StoredSegment.key(request, .maxKey))
        if start <= 0 {
            let options = MongoFindOptions(sort: ["_id": 1], limit: limit)
            return try await collection.find(["_id": ["$gte": low, "$lt": high]], options).map(StoredSegment.read)
        }
        let start = Int32(clamping: start)
        let key = StoredSegment.key(request, .int32(start))
        let size: BSONDocument = ["$cond": [["$isArray": "$cards"], ["$size": "$cards"], 1]]
        let holdsStart: BSONDocument = ["$gt": [["$add": ["$_id.first", .document(size)]], .int32(start)]]
        let documents = try await collection.union([
            [
                ["$match": ["_id": ["$gte": low, "$lte": key]]], ["$sort": ["_id": -1]], ["$limit": 1],
                ["$match": ["$expr": .document(holdsStart)]],
            ],
            [
                ["$match": ["_id": ["$gt": key, "$lt": high]]], ["$sort": ["_id": 1]],
                ["$limit": .int32(Int32(clamping: limit))],
            ],
        ])
        // Those without an ordinal come last.
        return try documents.map(StoredSegment.read)
            .sorted { UInt(bitPattern: $0.first) < UInt(bitPattern: $1.first) }
    }

    package func pages(_ places: [CardPlace]) async throws -> [CardPage] {
        var found: [CardPlace: CardPage] = [:]
        var left = Set(places)
        while !left.isEmpty {
            // A request once in a read: what comes back is told apart by it.
            let asked = Dictionary(left.map { ($0.requestID, $0) }) { $0.ordinal < $1.ordinal ? $0 : $1 }
            for place in asked.values { left.remove(place) }
            let (pages, starved) = try await readPages(Array(asked.values))
            found.merge(pages) { _, read in read }
            left.formUnion(starved)
        }
        return places.map { found[$0] ?? CardPage() }
    }

    /// Pages of different requests; and the places whose cards did not fit the read, never all of them.
    private func readPages(_ places: [CardPlace]) async throws -> ([CardPlace: CardPage], starved: [CardPlace]) {
        let ranges = places.map { place -> BSONDocument in
            let low = StoredSegment.key(place.requestID, .int32(Int32(clamping: place.ordinal)))
            return ["_id": ["$gte": low, "$lt": StoredSegment.key(place.requestID, .maxKey)]]
        }
        let room = places.count * Self.segmentsPerPlace
        let options = MongoFindOptions(sort: ["_id": 1], limit: room)
        let read = try await collection.find(["$or": .array(ranges)], options).map(StoredSegment.read)
        let segments = Dictionary(grouping: CardSegment.cut(read), by: \.requestID)
        let isWhole = read.count < room
        var pages: [CardPlace: CardPage] = [:]
        var starved: [CardPlace] = []
        for place in places {
            guard let own = segments[place.requestID] else {
                if isWhole { pages[place] = CardPage() } else { starved.append(place) }
                continue
            }
            guard !isWhole, read.last?.requestID == place.requestID else {
                pages[place] = CardPage(own)
                continue
            }
            // How far the last one reaches is not known.
            let known =
                own.count > 1
                ? own.dropLast()
                : try await self.segments(of: place.requestID, after: place.ordinal - 1, limit: 1)[...]
            pages[place] = CardPage(Array(known), hasMore: true)
        }
        return (pages, starved)
    }

    package func counts(_ ids: [RequestID]) async throws -> [Int] {
        var counts: [RequestID: Int] = [:]
        let size: BSONDocument = ["$cond": [["$isArray": "$cards"], ["$size": "$cards"], 1]]
        for part in Array(Set(ids)).slices(of: MongoCollection.unionMax) {
            let pipelines = part.map { id in
                let (low, high) = (StoredSegment.key(id, .minKey), StoredSegment.key(id, .maxKey))
                return [
                    ["$match": ["_id": ["$gt": low, "$lt": high]]],
                    ["$group": ["_id": ["$literal": .uuid(id.uuid)], "count": ["$sum": .document(size)]]],
                ] as [BSONDocument]
            }
            for document in try await collection.union(pipelines) {
                counts[RequestID(try document.decode("_id"))] = try document.decode("count")
            }
        }
        return ids.map { counts[$0] ?? 0 }
    }
}
