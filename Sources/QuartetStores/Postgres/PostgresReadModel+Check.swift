import Foundation
import Postgres
package import QuartetCore
import QuartetDatabases

extension PostgresReadModel: ReadModelCheckStore {
    package var name: String { projection.name }

    /// Comes before every key.
    private var lowest: String { projection.key.type == "uuid" ? RequestID.lowest.description : "" }

    package func isKept() async throws -> Bool {
        try await statements.named("is_kept").runAlone(name).single().decode(0, as: Bool.self)
    }

    package func source(behind after: String?, limit: Int) async throws -> [ReadModelFacts] {
        try await statements.named("check_source").runAlone(after ?? lowest, limit).map(Self.facts)
    }

    package func copy(behind after: String?, limit: Int) async throws -> [ReadModelFacts] {
        try await statements.named("check_copy").runAlone(after ?? lowest, limit).map(Self.facts)
    }

    package func source(_ keys: [String]) async throws -> [ReadModelFacts] {
        try await statements.named("check_source_keys").runAlone(keys).map(Self.facts)
    }

    package func copy(_ keys: [String]) async throws -> [ReadModelFacts] {
        try await statements.named("check_copy_keys").runAlone(keys).map(Self.facts)
    }

    package func copyAgain(_ keys: [String], seen: [ReadModelFacts]) async throws {
        let documents = try await statements.named("source_documents").runAlone(keys).map {
            try $0.decode(String.self, [UInt8].self)
        }
        let (seenKeys, versions) = (seen.map(\.key), seen.map(\.version))
        if !documents.isEmpty {
            var json = JSONWriter()
            json.array { json in for (_, document) in documents { json.raw(document) } }
            _ = try await statements.named("copy_again").runAlone(PostgresJSON(json.bytes), seenKeys, versions)
        }
        let gone = Set(keys).subtracting(documents.map(\.0))
        let removed = seen.filter { gone.contains($0.key) }
        guard !removed.isEmpty else { return }
        _ = try await statements.named("remove").runAlone(removed.map(\.key), removed.map(\.version))
    }

    private static func facts(_ row: PostgresRow) throws -> ReadModelFacts {
        let (key, version, isDeleted, changedAt, digest) = try row.decode(
            String.self, Int64.self, Bool.self, Date.self, String.self)
        return ReadModelFacts(key: key, version: version, isDeleted: isDeleted, changedAt: changedAt, digest: digest)
    }
}
