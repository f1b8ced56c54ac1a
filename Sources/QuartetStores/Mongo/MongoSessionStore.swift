import Foundation
package import Mongo
package import QuartetCore

/// Sessions in the collection `realtime_analysis_sessions`, keyed by request:
///
///     {_id: request, product_id, manifest: [review id], analyzer: {name, version}, pinned_at}
///
/// The `_id` index is all it needs. A pinned session is what every later attempt works from, so reads see what a majority
/// has. The first write of one does not wait for that, because that of its cards follows; see ``PinnedSession``.
/// One that may have been lost is pinned again for good.
package struct MongoSessionStore: SessionStore {
    package static let collectionName = "realtime_analysis_sessions"
    /// Sessions read together; a manifest may be megabytes long.
    private static let sessionsPerReadMax = 500

    private let durable: MongoCollection
    private let quick: MongoCollection

    package init(client: MongoClient) {
        durable = client.collection(Self.collectionName, writeConcern: .majority, readConcern: .majority)
        quick = client.collection(Self.collectionName, writeConcern: .one)
    }

    package func pin(_ sessions: [AnalysisSession]) async throws -> [PinnedSession] {
        guard !sessions.isEmpty else { return [] }
        let result = try await insert(sessions, into: quick)
        let term = WriteTerm(of: result)
        var pinned = sessions.map { PinnedSession(session: $0, term: term) }
        // Where the store names no term, nobody could tell later whether they became durable.
        let open = term == nil ? Array(sessions.indices) : result.errors.map(\.index)
        guard !open.isEmpty else { return pinned }
        for (index, winner) in zip(open, try await pinDurably(open.map { sessions[$0] })) {
            pinned[index] = PinnedSession(session: winner)
        }
        return pinned
    }

    package func pinDurably(_ sessions: [AnalysisSession]) async throws -> [AnalysisSession] {
        guard !sessions.isEmpty else { return [] }
        let result = try await insert(sessions, into: durable)
        guard !result.errors.isEmpty else { return sessions }
        // The write waited for a majority also where it found an earlier session, so that one can be read by now.
        let winners = try await stored(result.errors.map { sessions[$0.index].requestID })
        var pinned = sessions
        for error in result.errors {
            guard let winner = winners[sessions[error.index].requestID] else {
                throw BSONError(.missingKey, key: "session of request \(sessions[error.index].requestID)")
            }
            pinned[error.index] = winner
        }
        return pinned
    }

    private func insert(
        _ sessions: [AnalysisSession], into collection: MongoCollection
    ) async throws -> MongoBulkResult {
        let pinnedAt = Date().bsonMilliseconds
        var batch = BSONBatch(reservingBytes: sessions.reduce(0) { $0 + 256 + $1.manifest.count * 24 })
        for session in sessions {
            batch.append { Self.write(session, pinnedAt: pinnedAt, to: &$0) }
        }
        let result = try await collection.insertMany(batch)
        try result.throwUnlessDuplicates()
        return result
    }

    package func sessions(_ ids: [RequestID]) async throws -> [AnalysisSession?] {
        let found = try await stored(ids)
        return ids.map { found[$0] }
    }

    private func stored(_ ids: [RequestID]) async throws -> [RequestID: AnalysisSession] {
        var found: [RequestID: AnalysisSession] = [:]
        for part in ids.slices(of: Self.sessionsPerReadMax) {
            for document in try await durable.find(["_id": ["$in": .array(part.map(\.uuid))]]) {
                let session = try Self.read(document)
                found[session.requestID] = session
            }
        }
        return found
    }

    private static func write(_ session: AnalysisSession, pinnedAt: Int64, to document: inout BSONWriter) {
        document.append("_id", session.requestID.uuid)
        document.append("product_id", session.productID.text)
        document.append("manifest", session.manifest)
        document.appendDocument("analyzer") {
            $0.append("name", session.analyzer.name)
            $0.append("version", session.analyzer.version)
        }
        document.append("pinned_at", milliseconds: pinnedAt)
    }

    private static func read(_ document: BSONDocument) throws -> AnalysisSession {
        guard let productID = ProductID(try document.decode("product_id", as: String.self)) else {
            throw BSONError(.malformed, key: "product_id")
        }
        let analyzer = try document.decode("analyzer", as: BSONDocument.self)
        return AnalysisSession(
            requestID: RequestID(try document.decode("_id")), productID: productID,
            manifest: try document.decode("manifest"),
            analyzer: AnalyzerIdentity(name: try analyzer.decode("name"), version: try analyzer.decode("version")))
    }
}

extension WriteTerm {
    /// Nil where the writes were not all taken by one server, or where it does not say.
    init?(of result: MongoBulkResult) {
        guard case .objectID(let election)? = result.electionID else { return nil }
        self.init(id: Array(election.bytes))
    }
}
