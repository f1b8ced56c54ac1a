import ClientSupport
package import HTTPTypes
package import Hummingbird
import NIOCore
import QuartetCore

/// An error as a caller gets it: a problem document.
///
/// Source: RFC 9457, "Problem Details for HTTP APIs".
package struct Problem: HTTPResponseError, CustomStringConvertible {
    package let status: HTTPResponse.Status
    /// The last part of `urn:quartet:problem:...`; stable, for programs.
    package let kind: String
    /// What is wrong with this very call, for people.
    package let detail: String
    package var retryAfterSeconds: Int?
    /// The methods that the path has, of a call by another one.
    package var allowed: String?
    /// The codings that a body may have, of a call with another one.
    package var acceptEncoding: String?

    package init(_ status: HTTPResponse.Status, _ kind: String, _ detail: String, retryAfterSeconds: Int? = nil) {
        self.status = status
        self.kind = kind
        self.detail = detail
        self.retryAfterSeconds = retryAfterSeconds
    }

    package var type: String { "urn:quartet:problem:\(kind)" }

    package var description: String { "\(status.code) \(kind): \(detail)" }

    package func response(from request: Request, context: some RequestContext) -> Response {
        let body = JSONWriter.object { json in
            json.field("type", type)
            json.field("title", status.reasonPhrase)
            json.field("status", status.code)
            json.field("detail", detail)
            json.field("instance", request.uri.path)
        }
        var response = Response(json: body, status: status, contentType: "application/problem+json")
        if let retryAfterSeconds { response.headers[.retryAfter] = String(retryAfterSeconds) }
        if let allowed { response.headers[.allow] = allowed }
        if let acceptEncoding { response.headers[.acceptEncoding] = acceptEncoding }
        if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }
}

extension Response {
    package init(json: [UInt8], status: HTTPResponse.Status = .ok, contentType: String = "application/json") {
        self.init(
            status: status, headers: [.contentType: contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }
}

extension HTTPField.Name {
    package static let idempotencyKey = named("Idempotency-Key")
    package static let cacheStatus = named("Cache-Status")
    package static let idempotencyReplayed = named("Idempotency-Replayed")
    package static let apiKey = named("X-API-Key")
    package static let prefer = named("Prefer")
    package static let preferenceApplied = named("Preference-Applied")
    package static let lastEventID = named("Last-Event-ID")
    /// Asks proxies not to hold back what is streamed.
    package static let accelBuffering = named("X-Accel-Buffering")

    private static func named(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) can't name a header") }
        return name
    }
}
