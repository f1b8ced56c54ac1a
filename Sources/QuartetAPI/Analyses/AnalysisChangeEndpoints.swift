import ClientSupport
import HTTPTypes
import Hummingbird
import QuartetCore
import QuartetHTTP

/// `DELETE /v1/analyses/{id}` and `POST /v1/analyses/{id}/retry`: both write PostgreSQL alone, and both may be repeated.
struct AnalysisChangeEndpoints: Sendable {
    let calls: RequestBatchers
    let hints: CacheHints

    func add(to routes: RouterGroup<APIContext>) {
        routes.delete("analyses/{id}", use: cancel)
        routes.post("analyses/{id}/retry", use: retry)
    }

    @Sendable private func cancel(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.requestID()
        switch try await calls.cancel(id) {
        case .changed(let request):
            Failpoint.cancelStored.reached()
            return Response(json: request.json())
        case .unchanged(let request) where request.status == .cancelled: return Response(json: request.json())
        case .unchanged(let request):
            try await hints.willTellEnd(of: request)
            throw Problem.closed(request, "cancelled")
        case .unknownRequest: throw Problem.unknownAnalysis(id)
        }
    }

    @Sendable private func retry(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.requestID()
        switch try await calls.retry(id) {
        case .changed(let request):
            Failpoint.retryStored.reached()
            return Response(json: request.json(), status: .accepted)
        // It has been asked for before.
        case .unchanged(let request) where request.status.isOpen:
            return Response(json: request.json(), status: .accepted)
        case .unchanged(let request):
            try await hints.willTellEnd(of: request)
            throw Problem.closed(request, "retried")
        case .unknownRequest: throw Problem.unknownAnalysis(id)
        }
    }
}

extension Problem {
    static func closed(_ request: AnalysisRequest, _ change: String) -> Problem {
        Problem(
            .conflict, "analysis-\(request.status.rawValue)",
            "analysis \(request.id) is \(request.status.rawValue); it can't be \(change)")
    }
}
