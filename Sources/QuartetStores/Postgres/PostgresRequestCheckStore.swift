import Foundation
import Postgres
package import QuartetCore
package import QuartetDatabases

/// What the checker reads and mends in PostgreSQL. Each read has a connection of its own, so that nobody waits behind it.
package struct PostgresRequestCheckStore: RequestCheckStore {
    private let walkRequests, walkResults, walkDocuments, documentsByID, reopenedRequests: StoreStatement
    private let removeUncompleted, replace, rerun: StoreStatement

    package init(databases: Databases) throws {
        let statements = try databases.statements(in: .check())
        walkRequests = try statements.named("walk_requests")
        walkResults = try statements.named("walk_results")
        walkDocuments = try statements.named("walk_documents")
        documentsByID = try statements.named("documents_by_id")
        reopenedRequests = try statements.named("reopened")
        removeUncompleted = try statements.named("remove_uncompleted_results")
        replace = try statements.named("replace_results")
        rerun = try statements.named("run_again")
    }

    package func requests(in range: KeyRange, limit: Int) async throws -> [RequestFacts] {
        let rows = try await walkRequests.runAlone(range.after.uuid, range.through.uuid, limit)
        return try rows.map { row in
            let (id, name, generation, createdAt, closedAt) = try row.decode(
                UUID.self, String.self, Int.self, Date.self, Date?.self)
            guard let status = RequestStatus(rawValue: name) else {
                throw PostgresStoreError(.unreadableRow, "request \(RequestID(id)) has the unknown status \"\(name)\"")
            }
            return RequestFacts(
                id: RequestID(id), status: status, generation: generation, createdAt: createdAt, closedAt: closedAt)
        }
    }

    package func results(in range: KeyRange, limit: Int) async throws -> [ResultFacts] {
        try await walkResults.runAlone(range.after.uuid, range.through.uuid, limit).map(Self.facts)
    }

    package func documents(in range: KeyRange, limit: Int) async throws -> [ResultDocument] {
        try await walkDocuments.runAlone(range.after.uuid, range.through.uuid, limit).map(Self.document)
    }

    package func documents(of ids: [RequestID]) async throws -> [ResultDocument?] {
        guard !ids.isEmpty else { return [] }
        let rows = try await documentsByID.runAlone(ids.map(\.uuid))
        let found = try rows.reduce(into: [RequestID: ResultDocument]()) { found, row in
            let document = try Self.document(row)
            found[document.id] = document
        }
        return ids.map { found[$0] }
    }

    package func reopened(
        since transaction: UInt64, behind after: RequestID, before start: RequestID, limit: Int
    ) async throws -> [RequestID] {
        let rows = try await reopenedRequests.runAlone(transaction, after.uuid, start.uuid, limit)
        return try rows.map { RequestID(try $0.decode(0)) }
    }

    package func removeUncompletedResults(_ ids: [RequestID]) async throws -> [RequestID] {
        try await removeUncompleted.runAlone(ids.map(\.uuid)).map { RequestID(try $0.decode(0)) }
    }

    package func replaceResults(_ results: [AnalysisResult]) async throws {
        let sorted = results.sorted { $0.requestID < $1.requestID }
        for result in sorted {
            try StoredText.require(
                result.analyzer.description, "the analyser's name of request \(result.requestID)")
        }
        _ = try await replace.runAlone(
            sorted.map(\.requestID.uuid), sorted.map { Int32(clamping: $0.cardCount) }, sorted.map(\.digest.bytes),
            sorted.map(\.analyzer.description), sorted.map(\.json), Int32(Fold.version))
    }

    package func runAgain(_ requests: [(id: RequestID, generation: Int)]) async throws {
        let sorted = requests.sorted { $0.id < $1.id }
        _ = try await rerun.runAlone(sorted.map(\.id.uuid), sorted.map { Int32(clamping: $0.generation) })
    }

    private static func facts(_ row: PostgresRow) throws -> ResultFacts {
        let (id, count, bytes) = try row.decode(UUID.self, Int.self, [UInt8].self)
        guard let digest = CardDigest(bytes: bytes) else {
            throw PostgresStoreError(.unreadableRow, "the result of request \(RequestID(id)) has no digest of 16 bytes")
        }
        return ResultFacts(id: RequestID(id), cardCount: count, digest: digest)
    }

    private static func document(_ row: PostgresRow) throws -> ResultDocument {
        let analyzer = try row.decode(4, as: String.self)
        let slash = analyzer.lastIndex(of: "/") ?? analyzer.endIndex
        return ResultDocument(
            facts: try facts(row), productID: ProductID(stored: try row.decode(3)),
            analyzer: AnalyzerIdentity(
                name: String(analyzer[..<slash]), version: String(analyzer[slash...].dropFirst())),
            json: try row.decode(5), foldVersion: try row.decode(6))
    }
}

extension SQLFile {
    static func check() throws -> SQLFile {
        try SQLFile(label: "check.sql", text: String(decoding: PackageResources.check_sql, as: UTF8.self))
    }
}
