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
