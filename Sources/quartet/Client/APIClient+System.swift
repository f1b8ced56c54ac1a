import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

extension APIClient {
    /// A part of a path that a caller gave.
    private static func part(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "._-"))) ?? text
    }

    /// Every setting that can be changed while processes run.
    func settings() async throws -> (settings: [SettingAnswer], document: ByteBuffer) {
        let body = try await call(.GET, "/v1/config", body: nil)
        let answer: SettingsAnswer = try decode(body)
        return (answer.config, body)
    }

    /// One of them, and its document as the API wrote it.
    func setting(_ key: String) async throws -> (SettingAnswer, document: String) {
        let body = try await call(.GET, "/v1/config/\(Self.part(key))", body: nil)
        return (try decode(body), String(buffer: body))
    }

    /// Returns the setting as the API wrote it.
    ///
    /// - Parameter version: that it has to be at; nil for any.
    func set(_ key: String, to value: String, why: String?, ifVersion version: Int64?) async throws -> String {
        var fields = ["value": value]
        fields["why"] = why
        let body = ByteBuffer(data: try JSONEncoder().encode(fields))
        return String(
            buffer: try await call(
                .PUT, "/v1/config/\(Self.part(key))", body: body, headers: [("If-Match", Self.tag(version))]))
    }

    /// Returns the setting as the API wrote it.
    func reset(_ key: String, why: String?, ifVersion version: Int64?) async throws -> String {
        let query = why.map { "?why=\(Self.part($0))" } ?? ""
        return String(
            buffer: try await call(
                .DELETE, "/v1/config/\(Self.part(key))\(query)", body: nil, headers: [("If-Match", Self.tag(version))]))
    }

    func settingHistory(_ key: String) async throws -> (changes: [SettingChangeAnswer], document: String) {
        let body = try await call(.GET, "/v1/config/\(Self.part(key))/history?limit=1000", body: nil)
        let answer: SettingHistoryAnswer = try decode(body)
        return (answer.history, String(buffer: body))
    }

    /// Makes a key. The answer has it, and no other one does.
    func createKey(name: String, scope: String, expiresAt: Date?) async throws -> (KeyAnswer, document: String) {
        var fields = ["name": name, "scope": scope]
        fields["expires_at"] = expiresAt?.ISO8601Format()
        // Where the answer is lost and it is sent again, the name is taken: revoke that one and take another.
        let answer = try await call(.POST, "/v1/keys", body: ByteBuffer(data: try JSONEncoder().encode(fields)))
        return (try decode(answer), String(buffer: answer))
    }

    func keys() async throws -> [KeyAnswer] {
        var keys: [KeyAnswer] = []
        var query = "?limit=1000"
        while true {
            let page: KeysAnswer = try decode(try await call(.GET, "/v1/keys\(query)", body: nil))
            keys += page.keys
            guard let next = page.next else { return keys }
            query = "?limit=1000&after=\(Self.part(next))"
        }
    }

    /// Returns the key as the API wrote it.
    func revokeKey(_ id: String) async throws -> String {
        String(buffer: try await call(.DELETE, "/v1/keys/\(Self.part(id))", body: nil))
    }

    private static func tag(_ version: Int64?) -> String { version.map { "\"\($0)\"" } ?? "*" }
}

/// A value of JSON as people write it.
struct ScalarAnswer: Decodable, Sendable, CustomStringConvertible {
    let description: String

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let number = try? value.decode(Int.self) {
            description = String(number)
        } else if let flag = try? value.decode(Bool.self) {
            description = flag ? "true" : "false"
        } else {
            description = try value.decode(String.self)
        }
    }
}

struct SettingsAnswer: Decodable, Sendable {
    let config: [SettingAnswer]
}

struct SettingAnswer: Decodable, Sendable {
    let key: String
    let type: String
    let minimum: ScalarAnswer?
    let maximum: ScalarAnswer?
    let choices: [String]?
    let roles: [String]
    let description: String
    let value: ScalarAnswer
    let fallback: ScalarAnswer
    let source: String
    let version: Int64
    let changedAt: String?
    let changedBy: String?
    let why: String?

    private enum CodingKeys: String, CodingKey {
        case key, type, minimum, maximum, choices, roles, description, value, source, version, why
        case fallback = "default"
        case changedAt = "changed_at"
        case changedBy = "changed_by"
    }

    /// What it may be.
    var allowed: String {
        if let choices { return choices.joined(separator: ", ") }
        guard let minimum, let maximum else { return type }
        return "\(type), \(minimum) to \(maximum)"
    }
}

struct SettingHistoryAnswer: Decodable, Sendable {
    let history: [SettingChangeAnswer]
}

struct SettingChangeAnswer: Decodable, Sendable {
    let version: Int64
    let old: ScalarAnswer?
    let new: ScalarAnswer?
    let changedAt: String
    let changedBy: String
    let why: String?

    private enum CodingKeys: String, CodingKey {
        case version, old, new, why
        case changedAt = "changed_at"
        case changedBy = "changed_by"
    }
}

struct KeysAnswer: Decodable, Sendable {
    let keys: [KeyAnswer]
    let next: String?
}

struct KeyAnswer: Codable, Sendable {
    let id: String
    let key: String?
    let name: String
    let scope: String
    let createdAt: String
    let createdBy: String
    let expiresAt: String?
    let revokedAt: String?
    let revokedBy: String?
    let lastUsedAt: String?

    private enum CodingKeys: String, CodingKey {
        case id, key, name, scope
        case createdAt = "created_at"
        case createdBy = "created_by"
        case expiresAt = "expires_at"
        case revokedAt = "revoked_at"
        case revokedBy = "revoked_by"
        case lastUsedAt = "last_used_at"
    }
}
