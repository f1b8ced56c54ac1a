import Foundation
import Postgres
import QuartetDatabases
import QuartetHTTP

/// A key, without what is secret of it.
struct StoredKey: Sendable {
    let id: String
    let name: String
    let scope: String
    let createdAt: Date
    let createdBy: String
    let expiresAt: Date?
    let revokedAt: Date?
    let revokedBy: String?
    let lastUsedAt: Date?

    init(row: PostgresRow) throws {
        (id, name, scope, createdAt, createdBy, expiresAt, revokedAt, revokedBy, lastUsedAt) = try row.decode(
            String.self, String.self, String.self, Date.self, String.self, Date?.self, Date?.self, String?.self,
            Date?.self)
    }
}

/// Callers' keys in PostgreSQL.
struct KeyStore: Sendable {
    private let keys, key, createKey, revokeKey, stampKeys, usable: StoreStatement

    init(databases: Databases) throws {
        let file = try SQLFile(label: "keys.sql", bytes: PackageResources.keys_sql)
        let statements = try databases.statements(in: file, of: SystemService.schema)
        keys = try statements.named("keys")
        key = try statements.named("key")
        createKey = try statements.named("create_key")
        revokeKey = try statements.named("revoke_key")
        stampKeys = try statements.named("stamp_keys")
        usable = try statements.named("usable_keys")
    }

    func list(after id: String, limit: Int) async throws -> [StoredKey] {
        try await keys.run(id, limit).map(StoredKey.init(row:))
    }

    func get(_ id: String) async throws -> StoredKey? { try await key.run(id).first.map(StoredKey.init(row:)) }

    /// Nil if there is or was one of that name, or if there are too many.
    func create(
        _ new: NewKey, name: String, scope: Caller.Scope, expiresAt: Date?, by caller: String
    ) async throws -> StoredKey? {
        try await createKey.run(new.id, NewKey.hash(of: new.text), name, scope.rawValue, expiresAt, caller)
            .first.map(StoredKey.init(row:))
    }

    /// Nil if there is none.
    func revoke(_ id: String, by caller: String) async throws -> StoredKey? {
        try await revokeKey.run(id, caller).first.map(StoredKey.init(row:))
    }

    func stamp(_ uses: [String: Date]) async throws {
        let uses = uses.sorted { $0.key < $1.key }
        _ = try await stampKeys.runAlone(uses.map(\.key), uses.map(\.value))
    }

    /// Those that were not revoked.
    func usableKeys() async throws -> [KeyRing.Known] {
        try await usable.run().map { row in
            let (id, hash, name, scope, expiresAt) = try row.decode(
                String.self, String.self, String.self, String.self, Date?.self)
            // A scope that a newer build knows gives no rights here.
            let caller = Caller.Scope(rawValue: scope).map { Caller(name: name, scope: $0) }
            return KeyRing.Known(id: id, hash: Array(hash.utf8), caller: caller, expiresAt: expiresAt)
        }
    }
}
