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
        guard let host = request.head.authority, host.utf8.allSatisfy(Self.isOfHost) else {
            throw Problem(.badRequest, "bad-host", "a request names its host, once")
        }
        // Source: RFC 9112, section 6.1.
        let codings = request.headers[values: .transferEncoding].flatMap { $0.split(separator: ",") }
            .map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
        guard codings.allSatisfy({ $0 == "chunked" }) else {
            throw Problem(.notImplemented, "bad-transfer-coding", "a body comes chunked, or with its length")
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

    /// Source: RFC 3986, section 3.2.2, and the colon before a port.
    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: Array("-._~%!$&'()*+,;=:[]".utf8).contains(byte)
        }
    }
}
