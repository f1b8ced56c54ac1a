import Foundation
import HTTPTypes
import Hummingbird
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetHTTP
import ServiceSupport

/// `GET /v1/my/users/{id}/notes` and `POST /v1/my/users/{id}/notes:read`.
struct WatchNoteEndpoints: Sendable {
    private let view: PostgresUsersView
    private let notes, readNotes: StoreStatement

    init(view: PostgresUsersView, databases: Databases) throws {
        self.view = view
        let statements = try WatchNotes.statements(databases)
        notes = try statements.named("notes")
        readNotes = try statements.named("read_notes")
    }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("my/users/{id}/notes", use: list)
        routes.post("my/users/{id}/notes:read", use: markRead)
    }

    @Sendable private func list(_ request: Request, context: APIContext) async throws -> Response {
        let id = try await user(context)
        let limit = try request.queryInteger("limit", in: 1...1_000, fallback: 100) ?? 100
        let after = try NoteCursor(request.uri.queryParameters["cursor"].map(String.init) ?? "")
        let rows = try await notes.run(id, after.isUnread, after.note, limit).map { row in
            let (note, isUnread, json) = try row.decode(Int64.self, Bool.self, [UInt8].self)
            return (cursor: NoteCursor(isUnread: isUnread, note: note), json: json)
        }
        return Response(
            json: JSONWriter.object(capacity: 4_096) { json in
                json.key("notes")
                json.array { json in for row in rows { json.raw(row.json) } }
                if rows.count == limit { json.field("next", ifPresent: rows.last?.cursor.text) }
            })
    }

    /// Those that are named, and all up to one.
    @Sendable private func markRead(_ request: Request, context: APIContext) async throws -> Response {
        let id = try await user(context)
        let body = try await context.body(of: request, atMost: 65_536)
        let wanted = try StrictJSON.decode(IncomingReading.self, from: body)
        let read = try await readNotes.run(id, wanted.ids ?? [], wanted.until ?? 0).affected
        return Response(json: JSONWriter.object { $0.field("read", read) })
    }

    private func user(_ context: APIContext) async throws -> UUID {
        let id = try context.userID()
        guard let user = try await view.get(id), !user.isDeleted else { throw Problem.unknownUser(id) }
        return id
    }
}

/// The last note of a page: `u17` of the unread ones, `r17` of the others.
private struct NoteCursor {
    let isUnread: Bool
    let note: Int64

    var text: String { "\(isUnread ? "u" : "r")\(note)" }

    init(isUnread: Bool, note: Int64) {
        self.isUnread = isUnread
        self.note = note
    }

    init(_ text: String) throws {
        guard !text.isEmpty else {
            self.init(isUnread: true, note: .max)
            return
        }
        guard let kind = text.first, "ur".contains(kind), let note = Int64(text.dropFirst()) else {
            throw Problem(.badRequest, "bad-parameter", "cursor is the `next` of a page")
        }
        self.init(isUnread: kind == "u", note: note)
    }
}

private struct IncomingReading: Decodable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case ids, until
    }

    private static let idsMax = 1_000

    let ids: [Int64]?
    let until: Int64?

    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: Set(CodingKeys.allCases.map(\.rawValue)))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        ids = try values.decodeIfPresent([Int64].self, forKey: .ids)
        until = try values.decodeIfPresent(Int64.self, forKey: .until)
        guard ids?.count ?? 0 <= Self.idsMax else {
            throw Problem(.unprocessableContent, "bad-value", "ids are \(Self.idsMax) at most")
        }
    }
}
