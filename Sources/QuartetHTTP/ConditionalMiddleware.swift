import HTTPTypes
package import Hummingbird

/// Leaves out what a caller has already: a read whose `If-None-Match` names the answer's `ETag` is answered by 304.
///
/// Source: RFC 9110, section 13.1.2. Tags are compared weakly: proxies that pack answers make them weak.
package struct ConditionalMiddleware: RouterMiddleware {
    package typealias Context = APIContext

    package init() {}

    package func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        guard request.method == .get || request.method == .head, response.status == .ok,
            let tag = response.headers[.eTag], Self.names(tag, request.headers[values: .ifNoneMatch])
        else { return response }
        var headers = response.headers
        for name in [HTTPField.Name.contentType, .contentLength] { headers[name] = nil }
        return Response(status: .notModified, headers: headers)
    }

    /// Tags of this service's own have no comma in them.
    private static func names(_ tag: String, _ values: [String]) -> Bool {
        values.flatMap { $0.split(separator: ",") }.contains { part in
            let part = part.trimming { $0 == " " || $0 == "\t" }
            return part == "*" || part == tag || (part.hasPrefix("W/") && part.dropFirst(2) == tag)
        }
    }
}

extension Substring {
    fileprivate func trimming(_ isSpace: (Character) -> Bool) -> Substring {
        let front = drop(while: isSpace)
        return front.lastIndex { !isSpace($0) }.map { front[...$0] } ?? ""
    }
}
