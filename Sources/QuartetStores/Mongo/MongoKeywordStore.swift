package import Mongo
package import QuartetCore

/// Keyword details in the collection `keyword_details`, keyed by request:
///
///     {_id: request, product_id, analyzer: {name, version}, reviews, digest,
///      keywords: [{term, count, positive, negative, polarity, best: [ordinal], worst: [ordinal]}]}
///
/// Nothing in it depends on when it was written. The `_id` index is all it needs. A completed request has its details, so
/// writes wait for a majority and reads see what a majority has.
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
            batch.append { Self.write(details, to: &$0) }
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
                replacement: BSONDocument { Self.write(details, to: &$0) }, upsert: true)
        }
        // Ordered: of two replacements of one document the later stays, and no upsert races with its neighbour.
        try await collection.bulkWrite(writes, ordered: true).throwIfAny()
    }

    package func details(_ ids: [RequestID]) async throws -> [KeywordDetails?] {
        var found: [RequestID: KeywordDetails] = [:]
        for part in ids.slices(of: Self.detailsPerReadMax) {
            for document in try await collection.find(["_id": ["$in": .array(part.map(\.uuid))]]) {
                let details = try Self.read(document)
                found[details.requestID] = details
            }
        }
        return ids.map { found[$0] }
    }

    private static func write(_ details: KeywordDetails, to document: inout BSONWriter) {
        document.append("_id", details.requestID.uuid)
        document.append("product_id", details.productID.text)
        document.appendDocument("analyzer") {
            $0.append("name", details.analyzer.name)
            $0.append("version", details.analyzer.version)
        }
        document.append("reviews", details.cardCount)
        document.append("digest", details.digest.description)
        document.appendArray("keywords") { array in
            for keyword in details.keywords {
                array.appendDocument { Self.write(keyword, to: &$0) }
            }
        }
    }

    private static func write(_ keyword: KeywordDetails.Keyword, to document: inout BSONWriter) {
        document.append("term", keyword.term)
        document.append("count", Int32(keyword.count))
        document.append("positive", Int32(keyword.positive))
        document.append("negative", Int32(keyword.negative))
        document.append("polarity", keyword.polarity.value)
        document.appendArray("best") { array in for ordinal in keyword.best { array.append(Int32(ordinal)) } }
        document.appendArray("worst") { array in for ordinal in keyword.worst { array.append(Int32(ordinal)) } }
    }

    private static func read(_ document: BSONDocument) throws -> KeywordDetails {
        guard let productID = ProductID(try document.decode("product_id", as: String.self)) else {
            throw BSONError(.malformed, key: "product_id")
        }
        let analyzer = try document.decode("analyzer", as: BSONDocument.self)
        return KeywordDetails(
            requestID: RequestID(try document.decode("_id")), productID: productID,
            analyzer: AnalyzerIdentity(name: try analyzer.decode("name"), version: try analyzer.decode("version")),
            cardCount: try document.decode("reviews"), digest: try digest(in: document),
            keywords: try document.decode("keywords", as: [BSONDocument].self).map(keyword))
    }

    private static func keyword(_ document: BSONDocument) throws -> KeywordDetails.Keyword {
        KeywordDetails.Keyword(
            term: try document.decode("term"), count: try document.decode("count"),
            positive: try document.decode("positive"), negative: try document.decode("negative"),
            polarity: Fraction(try document.decode("polarity", as: Double.self)), best: try document.decode("best"),
            worst: try document.decode("worst"))
    }

    /// 32 hexadecimal digits.
    private static func digest(in document: BSONDocument) throws -> CardDigest {
        let text = try document.decode("digest", as: String.self)
        guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16)
        else { throw BSONError(.malformed, key: "digest") }
        return CardDigest(high: high, low: low)
    }
}
