package import Mongo
package import QuartetCore

/// Keyword details in the collection `keyword_details`, keyed by request; see ``StoredKeywords``.
///
/// The `_id` index is all it needs. A completed request has its details, so writes wait for a majority and reads see what
/// a majority has.
package struct MongoKeywordStore: KeywordStore {
    package static let collectionName = "keyword_details"
    private static let detailsPerReadMax = 500

    private let collection: MongoCollection

    package init(client: MongoClient) {
        collection = client.collection(Self.collectionName, writeConcern: .majority, readConcern: .majority)
    }

    package func insert(_ details: [KeywordDetails]) async throws -> [Bool] {
        guard !details.isEmpty else { return [] }
        var batch = BSONBatch(reservingBytes: details.reduce(0) { $0 + 256 + $1.keywords.count * 144 })
        for details in details {
            batch.append { StoredKeywords.write(details, to: &$0) }
        }
        let result = try await collection.insertMany(batch)
        try result.throwUnlessDuplicates()
        var isNew = [Bool](repeating: true, count: details.count)
        for error in result.errors { isNew[error.index] = false }
        return isNew
    }

    package func replace(_ details: [KeywordDetails]) async throws {
        guard !details.isEmpty else { return }
        let writes = details.map { details in
            MongoWrite.replaceOne(
                filter: ["_id": .uuid(details.requestID.uuid)],
                replacement: BSONDocument { StoredKeywords.write(details, to: &$0) }, upsert: true)
        }
        // Ordered: of two replacements of one document the later stays, and no upsert races with its neighbour.
        try await collection.bulkWrite(writes, ordered: true).throwIfAny()
    }

    package func details(_ ids: [RequestID]) async throws -> [KeywordDetails?] {
        var found: [RequestID: KeywordDetails] = [:]
        for part in ids.slices(of: Self.detailsPerReadMax) {
            for document in try await collection.find(["_id": ["$in": .array(part.map(\.uuid))]]) {
                let details = try StoredKeywords.readAny(document)
                found[details.requestID] = details
            }
        }
        return ids.map { found[$0] }
    }
}
