import Foundation
import HTTPTypes
import Hummingbird
import QuartetCore
import QuartetHTTP
import ServiceSupport

/// `GET /v1/config`, `GET`, `PUT` and `DELETE /v1/config/{key}`, and `GET /v1/config/{key}/history`.
struct ConfigEndpoints: Sendable {
    let store: ConfigStore
    let settings: any LiveSettings
    /// Rung behind each change: this process need not wait for the bell.
    let onChange: @Sendable () -> Void

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("config", use: list)
        routes.get("config/{key}", use: get)
        routes.put("config/{key}", use: put)
        routes.delete("config/{key}", use: delete)
        routes.get("config/{key}/history", use: history)
    }

    @Sendable private func list(_ request: Request, context: APIContext) async throws -> Response {
        let stored = try await store.all()
        return Response(
            json: JSONWriter.object { json in
                json.key("config")
                json.array { json in
                    for setting in settings.all { setting.write(stored[setting.key], to: &json) }
                }
            })
    }

    @Sendable private func get(_ request: Request, context: APIContext) async throws -> Response {
        let setting = try setting(in: context)
        return answer(setting, try await store.get(setting.key))
    }

    @Sendable private func put(_ request: Request, context: APIContext) async throws -> Response {
        let caller = try context.require(.admin)
        let setting = try setting(in: context)
        let condition = try Precondition.required(request.headers)
        let body = try await context.body(of: request, atMost: 65_536)
        let incoming = try StrictJSON.decode(IncomingSetting.self, from: body)
        // One value may be wrong only beside another.
        var values = try await store.values()
        if settings.refusal(of: values) != nil { values = [:] }
        values[setting.key] = incoming.value
        if let refusal = settings.refusal(of: values) {
            throw Problem(.unprocessableContent, "bad-value", "\(refusal.key): \(refusal.problem)")
        }
        return try await change(setting, to: incoming.value, condition, caller, why: incoming.why)
    }

    /// Takes back what is set; `?why=` goes to the history.
    @Sendable private func delete(_ request: Request, context: APIContext) async throws -> Response {
        let caller = try context.require(.admin)
        let setting = try setting(in: context)
        let condition = try Precondition.required(request.headers)
        let why = request.uri.queryParameters["why"].map(String.init)
        var values = try await store.values()
        values[setting.key] = nil
        if let refusal = settings.refusal(of: values), settings.refusal(of: [:]) == nil, values[refusal.key] != nil {
            throw Problem(
                .conflict, "needed", "\(refusal.key) is set to what can't be without it: \(refusal.problem)")
        }
        return try await change(setting, to: nil, condition, caller, why: try IncomingSetting.checked(why))
    }

    private func change(
        _ setting: LiveSetting, to value: String?, _ condition: Precondition, _ caller: Caller, why: String?
    ) async throws -> Response {
        let expected = condition == .absent ? 0 : condition.version
        let changed = try await store.change(
            setting.key, to: value, ifVersion: expected, by: caller.name, why: why)
        guard changed == nil else {
            onChange()
            return answer(setting, changed)
        }
        let present = try await store.get(setting.key)
        let version = present?.version ?? 0
        if let expected, expected != version { throw Problem.otherVersion(version) }
        return answer(setting, present)
    }

    @Sendable private func history(_ request: Request, context: APIContext) async throws -> Response {
        let setting = try setting(in: context)
        let limit = try request.queryInteger("limit", in: 1...1_000, fallback: 100) ?? 100
        let before = try request.queryInteger("before", in: 1...Int.max, fallback: nil)
        let changes = try await store.history(of: setting.key, before: before.map(Int64.init), limit: limit)
        return Response(
            json: JSONWriter.object { json in
                json.key("history")
                json.array { json in for change in changes { setting.write(change, to: &json) } }
            })
    }

    private func setting(in context: APIContext) throws -> LiveSetting {
        let key = try context.pathPart("key")
        guard let setting = settings.all.first(where: { $0.key == key }) else {
            throw Problem(
                .notFound, "unknown-setting",
                "\(key.prefix(64)) is no setting that can be changed while processes run; GET /v1/config lists those")
        }
        return setting
    }

    private func answer(_ setting: LiveSetting, _ stored: StoredSetting?) -> Response {
        var writer = JSONWriter()
        setting.write(stored, to: &writer)
        var response = Response(json: writer.bytes)
        response.headers[.eTag] = "\"\(stored?.version ?? 0)\""
        return response
    }
}

/// The body of a change.
private struct IncomingSetting: Decodable {
    let value: String
    let why: String?

    private enum CodingKeys: String, CodingKey { case value, why }

    /// A value may be given as JSON's own or as text.
    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: ["value", "why"])
        let values = try decoder.container(keyedBy: CodingKeys.self)
        if let number = try? values.decode(Int.self, forKey: .value) {
            value = String(number)
        } else if let flag = try? values.decode(Bool.self, forKey: .value) {
            value = flag ? "true" : "false"
        } else {
            value = try values.decode(String.self, forKey: .value)
        }
        guard (1...1_024).contains(value.utf8.count), !value.utf8.contains(0) else {
            throw Problem(.unprocessableContent, "bad-value", "value is 1 to 1024 bytes")
        }
        why = try Self.checked(values.decodeIfPresent(String.self, forKey: .why))
    }

    static func checked(_ why: String?) throws -> String? {
        guard let why else { return nil }
        guard (1...512).contains(why.utf8.count), !why.utf8.contains(0) else {
            throw Problem(.unprocessableContent, "bad-value", "why is 1 to 512 bytes")
        }
        return why
    }
}
