import HTTPTypes
package import Hummingbird

/// Gives each call what reads its body, and takes the room back when the call is over.
package struct BodyMiddleware: RouterMiddleware {
    package typealias Context = APIContext

    private let budget: BodyBudget

    package init(budget: BodyBudget) {
        self.budget = budget
    }

    package func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        // Source: RFC 9112, section 3.2.
        guard request.head.authority != nil else {
            throw Problem(.badRequest, "bad-host", "a request names its host, once")
        }
        if let expected = request.headers[.expect], expected.lowercased() != "100-continue" {
            throw Problem(.expectationFailed, "bad-expectation", "Expect can be 100-continue only")
        }
        let reader = BodyReader(budget: budget, channel: context.channel)
        defer { reader.release() }
        var context = context
        context.bodyReader = reader
        return try await next(request, context)
    }
}
