import Foundation
import HTTPTypes
import Hummingbird
import QuartetCore
import QuartetHTTP
import ServiceSupport

/// `POST` and `GET /v1/keys`, `GET` and `DELETE /v1/keys/{id}`: for callers that may administer.
struct KeyEndpoints: Sendable {
    let store: KeyStore
    /// Makes what was changed known to this process.
    let refresh: @Sendable () async throws -> Void

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("keys", use: create)
        routes.get("keys", use: list)
        routes.get("keys/{id}", use: get)
        routes.delete("keys/{id}", use: revoke)
    }

    /// The answer is the only one that has the key.
    @Sendable private func create(_ request: Request, context: APIContext) async throws -> Response {
        let caller = try context.require(.admin)
        let body = try await context.body(of: request, atMost: 16_384)
        let incoming = try StrictJSON.decode(IncomingKey.self, from: body)
        let key = NewKey()
        let stored = try await store.create(
            key, name: incoming.name, scope: incoming.scope, expiresAt: incoming.expiresAt, by: caller.name)
        guard let stored else {
            throw Problem(
                .conflict, "name-taken",
                "there is or was a key of that name, which histories go by, or there are 10000 keys: revoke some")
        }
        try await refresh()
        var response = Response(json: JSONWriter.object { stored.write(to: &$0, key: key.text) }, status: .created)
        response.headers[.cacheControl] = "no-store"
        response.headers[.location] = "/v1/keys/\(key.id)"
        return response
    }

    @Sendable private func list(_ request: Request, context: APIContext) async throws -> Response {
        _ = try context.require(.admin)
        let limit = try request.queryInteger("limit", in: 1...1_000, fallback: 100) ?? 100
        let after = request.uri.queryParameters["after"].map(String.init) ?? ""
        guard after.isEmpty || Self.isID(after) else {
            throw Problem(.badRequest, "bad-parameter", "after is the id of a key")
        }
        let keys = try await store.list(after: after, limit: limit)
        return Response(
            json: JSONWriter.object { json in
                json.key("keys")
                json.array { json in for key in keys { json.object { key.write(to: &$0) } } }
                if keys.count == limit, let last = keys.last { json.field("next", last.id) }
            })
    }

    @Sendable private func get(_ request: Request, context: APIContext) async throws -> Response {
        _ = try context.require(.admin)
        let id = try Self.id(in: context)
        guard let key = try await store.get(id) else { throw Self.unknown(id) }
        return Response(json: JSONWriter.object { key.write(to: &$0) })
    }

    /// Revoking again changes nothing.
    @Sendable private func revoke(_ request: Request, context: APIContext) async throws -> Response {
        let caller = try context.require(.admin)
        let id = try Self.id(in: context)
        guard let key = try await store.revoke(id, by: caller.name) else { throw Self.unknown(id) }
        try await refresh()
        return Response(json: JSONWriter.object { key.write(to: &$0) })
    }

    /// Whoever puts a whole key there by mistake does not find it in a log.
    private static func id(in context: APIContext) throws -> String {
        let id = context.parameters.get("id") ?? ""
        guard isID(id) else { throw unknown(id) }
        return id
    }

    private static func isID(_ text: String) -> Bool { text.wholeMatch(of: /qk_[0-9a-f]{16}/) != nil }

    private static func unknown(_ id: String) -> Problem {
        Problem(.notFound, "unknown-key", "there is no key \(id.prefix(NewKey.idLength))")
    }
}

extension StoredKey {
    /// - Parameter key: all of it, where it was just made.
    func write(to json: inout JSONWriter, key: String? = nil) {
        json.field("id", id)
        json.field("key", ifPresent: key)
        json.field("name", name)
        json.field("scope", scope)
        json.field("created_at", createdAt.rfc3339)
        json.field("created_by", createdBy)
        json.field("expires_at", ifPresent: expiresAt?.rfc3339)
        json.field("revoked_at", ifPresent: revokedAt?.rfc3339)
        json.field("revoked_by", ifPresent: revokedBy)
        json.field("last_used_at", ifPresent: lastUsedAt?.rfc3339)
    }
}

private struct IncomingKey: Decodable {
    let name: String
    let scope: Caller.Scope
    let expiresAt: Date?

    private enum CodingKeys: String, CodingKey {
        case name, scope
        case expiresAt = "expires_at"
    }

    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: ["name", "scope", "expires_at"])
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        guard (1...ShopID.bytesMax).contains(name.utf8.count), name != Caller.configured.name,
            !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw Problem(
                .unprocessableContent, "bad-value",
                "name is 1 to \(ShopID.bytesMax) bytes without control characters, and not \(Caller.configured.name)")
        }
        let word = try values.decode(String.self, forKey: .scope)
        guard let scope = Caller.Scope(rawValue: word) else {
            let words = Caller.Scope.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(.unprocessableContent, "bad-value", "scope is one of \(words)")
        }
        self.scope = scope
        expiresAt = try values.decodeIfPresent(String.self, forKey: .expiresAt).map { text in
            guard let time = InternetTime(text) else {
                throw Problem(.unprocessableContent, "bad-value", "expires_at is a time like 2030-01-31T00:00:00Z")
            }
            return time.date
        }
    }
}
