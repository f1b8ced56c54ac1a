import Foundation
package import Mongo
package import QuartetCore

/// Emotion cards in the collection `emotion_cards`, keyed by request and ordinal, so that a request's cards lie together
/// in the order of the manifest. The layout is ``StoredCard``'s.
///
/// The `_id` index is all it needs. Results are folded from these cards, so writes wait for a majority, also those that
/// find their key taken, and reads see what a majority has.
package struct MongoCardStore: CardStore {
    package static let collectionName = "emotion_cards"

    private let collection: MongoCollection

    package init(client: MongoClient) {
        collection = client.collection(Self.collectionName, writeConcern: .majority, readConcern: .majority)
    }

    package func insert(_ cards: [EmotionCard]) async throws -> InsertedCards {
        guard !cards.isEmpty else { return InsertedCards(isNew: []) }
        let createdAt = Date().bsonMilliseconds
        var batch = BSONBatch(reservingBytes: cards.count * StoredCard.usualBytes)
        for card in cards {
            batch.append { StoredCard.write(card, createdAt: createdAt, to: &$0) }
        }
        let result = try await collection.insertMany(batch)
        try result.throwUnlessDuplicates()
        var isNew = [Bool](repeating: true, count: cards.count)
        for error in result.errors { isNew[error.index] = false }
        return InsertedCards(isNew: isNew, term: WriteTerm(of: result))
    }

    package func remove(_ cards: [EmotionCard]) async throws {
        guard !cards.isEmpty else { return }
        let removals = cards.map { card in
            let key: BSONDocument = ["request_id": .uuid(card.requestID.uuid), "ordinal": .int32(Int32(card.ordinal))]
            return MongoWrite.deleteOne(filter: ["_id": .document(key), "review_id": .string(card.reviewID)])
        }
        try await collection.bulkWrite(removals).throwIfAny()
    }

    package func cards(of request: RequestID, after: Int?, limit: Int) async throws -> [EmotionCard] {
        var options = MongoFindOptions()
        options.sort = ["_id": 1]
        options.limit = limit
        return try await collection.find(Self.range(request, after: after ?? -1), options).map(StoredCard.read)
    }

    package func counts(_ ids: [RequestID]) async throws -> [Int] {
        var counts: [RequestID: Int] = [:]
        for part in Array(Set(ids)).slices(of: MongoCollection.unionMax) {
            let pipelines = part.map { id in
                [
                    ["$match": .document(Self.range(id, after: -1))],
                    // A constant for the key: the index alone answers it.
                    ["$group": ["_id": ["$literal": .uuid(id.uuid)], "count": ["$sum": 1]]],
                ] as [BSONDocument]
            }
            for document in try await collection.union(pipelines) {
                counts[RequestID(try document.decode("_id"))] = try document.decode("count")
            }
        }
        return ids.map { counts[$0] ?? 0 }
    }

    /// A request's keys behind an ordinal.
    private static func range(_ id: RequestID, after ordinal: Int) -> BSONDocument {
        let low: BSONDocument = ["request_id": .uuid(id.uuid), "ordinal": .int32(Int32(clamping: ordinal))]
        let high: BSONDocument = ["request_id": .uuid(id.uuid), "ordinal": .maxKey]
        return ["_id": ["$gt": .document(low), "$lt": .document(high)]]
    }
}
