import ClientSupport
import HTTPTypes
import Hummingbird
import Logging
import Metrics
import Postgres
import QuartetDatabases
import QuartetHTTP

/// Keeps what is wrong with one service's schema to that service, and counts its calls.
struct ServiceMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let service: String
    private let seconds: Timer

    init(service: String) {
        self.service = service
        seconds = Timer(label: "quartet_service_request_seconds", dimensions: [("service", service)])
    }

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        defer { seconds.record(duration: start.duration(to: .now)) }
        do {
            return try await next(request, context)
        } catch let error as PostgresError where Self.isSchemaMissing(error) {
            Counter(label: "quartet_service_refused_total", dimensions: [("service", service)]).increment()
            context.logger.error(
                "schema not as it has to be", metadata: ["service": "\(service)", "error": "\(error)"])
            throw Problem(
                .serviceUnavailable, "service-unavailable",
                "the service \(service) does not find its tables as they have to be; others go on",
                retryAfterSeconds: 10)
        }
    }

    /// A schema, table, column or function that is not there, or that may not be used.
    static func isSchemaMissing(_ error: PostgresError) -> Bool {
        guard let state = error.sqlState else { return false }
        return ["3F000", "42P01", "42703", "42883", "42501", "22023"].contains(state)
            || (state.hasPrefix("28") || state == "3D000")
    }
}
