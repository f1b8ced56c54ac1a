import Foundation
import Postgres
import QuartetDatabases

/// What somebody has set, or taken back where `value` is nil.
struct StoredSetting: Sendable {
    let key: String
    let value: String?
    let version: Int64
    let changedAt: Date
    let changedBy: String
    let why: String?

    init(row: PostgresRow) throws {
        (key, value, version, changedAt, changedBy, why) = try row.decode(
            String.self, String?.self, Int64.self, Date.self, String.self, String?.self)
    }
}

/// One change of a setting.
struct SettingChange: Sendable {
    let version: Int64
    let old: String?
    let new: String?
    let changedAt: Date
    let changedBy: String
    let why: String?

    init(row: PostgresRow) throws {
        (version, old, new, changedAt, changedBy, why) = try row.decode(
            Int64.self, String?.self, String?.self, Date.self, String.self, String?.self)
    }
}

/// Settings in PostgreSQL.
struct ConfigStore: Sendable {
    private let config, setting, changeSetting, settingHistory: StoreStatement

    init(databases: Databases) throws {
        let file = try SQLFile(label: "config.sql", bytes: PackageResources.config_sql)
        let statements = try databases.statements(in: file, of: SystemService.schema)
        config = try statements.named("config")
        setting = try statements.named("setting")
        changeSetting = try statements.named("change_setting")
        settingHistory = try statements.named("setting_history")
    }

    func all() async throws -> [String: StoredSetting] {
        let rows = try await config.run().map(StoredSetting.init(row:))
        return Dictionary(rows.map { ($0.key, $0) }) { $1 }
    }

    func get(_ key: String) async throws -> StoredSetting? {
        try await setting.run(key).first.map(StoredSetting.init(row:))
    }

    /// The values that are set, by key.
    func values() async throws -> [String: String] { try await all().compactMapValues(\.value) }

    /// Nil if nothing was changed: it was so already, or is at another version than `expected`.
    func change(
        _ key: String, to value: String?, ifVersion expected: Int64?, by caller: String, why: String?
    ) async throws -> StoredSetting? {
        try await changeSetting.run(key, value, expected, caller, why).first.map(StoredSetting.init(row:))
    }

    /// Newest first, those before a version.
    func history(of key: String, before version: Int64?, limit: Int) async throws -> [SettingChange] {
        try await settingHistory.run(key, version, limit).map(SettingChange.init(row:))
    }
}
