import ClientSupport
import CoreMetrics
import HTTPTypes
package import Hummingbird
import Logging
import Metrics
import NIOCore
import NIOHTTP1

/// Turns whatever a handler throws into a problem document, and counts requests.
package struct ProblemMiddleware: RouterMiddleware {
    package typealias Context = APIContext

    private let paths: KnownPaths

    package init(paths: KnownPaths) {
        self.paths = paths
    }

    package func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let response: Response
        do {
            response = try await next(request, context)
        } catch {
            response = problem(for: error, request: request, logger: context.logger)
                .response(from: request, context: context)
        }
        Counter(
            label: "quartet_http_requests_total",
            dimensions: [("route", context.endpointPath ?? "none"), ("status", String(response.status.code))]
        ).increment()
        return response
    }

    private func problem(for error: any Error, request: Request, logger: Logger) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as HTTPError: return problem(for: error, request: request)
        // A body that is cut into wrong pieces, or that ends with its connection.
        case is HTTPParserError:
            return Problem(.badRequest, "bad-body", "the body did not come as HTTP wants it")
        case is RequestTooSlow:
            return Problem(.requestTimeout, "too-slow", "the request did not arrive in time")
        case BatcherError.overloaded:
            return Problem(
                .serviceUnavailable, "overloaded", "too many calls wait already; try again", retryAfterSeconds: 1)
        case let failure as any StoreFailure where failure.isContended:
            logger.warning("held up by a lock", metadata: ["path": "\(request.uri.path)", "error": "\(failure)"])
            return Problem(
                .serviceUnavailable, "locked",
                "somebody else holds what this call needs; nothing was changed, try again",
                retryAfterSeconds: 1)
        case let failure as any StoreFailure where failure.isUnavailable || failure.isRetriable:
            logger.warning("store not available", metadata: ["path": "\(request.uri.path)", "error": "\(failure)"])
            return Problem(
                .serviceUnavailable, "store-unavailable", "a store that this call needs does not answer; try again",
                retryAfterSeconds: 1)
        default:
            logger.error("request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            return Problem(.internalServerError, "internal", "the call failed; the log says why")
        }
    }

    private func problem(for error: HTTPError, request: Request) -> Problem {
        switch error.status {
        case .notFound: notFound(request)
        case .contentTooLarge: Problem(.contentTooLarge, "body-too-large", error.body ?? "the body is too large")
        default: Problem(error.status, "bad-request", error.body ?? error.status.reasonPhrase)
        }
    }

    private func notFound(_ request: Request) -> Problem {
        let methods = paths.methods(at: request.uri.path)
        guard !methods.isEmpty else {
            return Problem(.notFound, "no-such-path", "there is no \(request.uri.path)")
        }
        let allowed = methods.joined(separator: ", ")
        var problem = Problem(
            .methodNotAllowed, "method-not-allowed", "\(request.method) is not for \(request.uri.path); \(allowed) is")
        problem.allowed = allowed
        return problem
    }
}

/// A request that did not arrive in time.
package struct RequestTooSlow: Error {
    package init() {}
}
