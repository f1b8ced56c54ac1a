import ClientSupport
import Foundation
import HTTPTypes
import Hummingbird
import QuartetCore
import QuartetHTTP

/// `GET /v1/dead`, `GET` and `DELETE /v1/dead/{id}`: requests that failed, with what their tasks met.
///
/// They are found by their dead tasks, which the queue keeps in an index of its own; that they failed is read from
/// PostgreSQL. Dropping one makes it `cancelled`, so its dead task goes: a task is dead if and only if its request is
/// `failed`.
struct DeadEndpoints: Sendable {
    private static let pageMax = 1_000
    let ports: APIPorts
    let calls: RequestBatchers

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("dead", use: list)
        routes.get("dead/{id}", use: show)
        routes.delete("dead/{id}", use: drop)
    }

    @Sendable private func list(_ request: Request, context: APIContext) async throws -> Response {
        let limit = try request.queryInteger("limit", in: 1...Self.pageMax, fallback: 100) ?? 100
        let after = try request.uri.queryParameters["after"].map { text in
            guard let id = RequestID(text) else { throw Problem.badAnalysisID(String(text)) }
            return id
        }
        let tasks = try await ports.queue.dead(after: after, limit: limit)
        let requests = try await ports.requests.requests(tasks.map(\.task.requestID))
        return Response(
            json: JSONWriter.object(capacity: 4096) { json in
                json.key("dead")
                json.array { json in
                    // One that is retried or dropped already is on its way out of the queue.
                    for case (let task, let request?) in zip(tasks, requests) where request.status == .failed {
                        json.object { Self.write(request, task, to: &$0) }
                    }
                }
                if tasks.count == limit { json.field("next", ifPresent: tasks.last?.task.requestID.description) }
            })
    }

    @Sendable private func show(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.requestID()
        guard let request = try await calls.request(id) else { throw Problem.unknownAnalysis(id) }
        guard request.status == .failed else {
            throw Problem(.notFound, "not-dead", "analysis \(id) is \(request.status.rawValue)")
        }
        async let tasks = ports.queue.dead([id])
        async let sessions = ports.sessions.sessions([id])
        async let cards = ports.cards.counts([id])
        let (task, session, count) = try await (tasks[0], sessions[0], cards[0])
        return Response(
            json: JSONWriter.object { json in
                Self.write(request, task, to: &json)
                json.field("generation", request.generation)
                json.field("created_at", request.createdAt.rfc3339)
                json.field("cards", count)
                if let session { json.field("reviews", session.manifest.count) }
            })
    }

    @Sendable private func drop(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.requestID()
        switch try await calls.drop(id) {
        case .changed(let request):
            Failpoint.dropStored.reached()
            return Response(json: request.json())
        case .unchanged(let request) where request.status == .cancelled: return Response(json: request.json())
        case .unchanged(let request):
            throw Problem(.conflict, "not-dead", "analysis \(id) is \(request.status.rawValue), not failed")
        case .unknownRequest: throw Problem.unknownAnalysis(id)
        }
    }

    private static func write(_ request: AnalysisRequest, _ task: DeadTask?, to json: inout JSONWriter) {
        json.field("id", request.id.description)
        json.field("product_id", request.productID.text)
        if let task { json.field("attempts", task.attempts) }
        json.field("failed_at", ifPresent: request.closedAt?.rfc3339)
        json.field("error", request.failure ?? task?.error ?? "")
    }
}
