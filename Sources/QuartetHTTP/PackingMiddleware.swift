import HTTPTypes
package import Hummingbird
import NIOCore
import Synchronization
import Zlib

/// Packs answers by gzip for callers who take it. What is streamed stays as it is, and so does what is small.
package struct PackingMiddleware: RouterMiddleware {
    package typealias Context = APIContext

    private static let bytesMin = 1_024

    package init() {}

    package func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard let length = response.body.contentLength, length >= Self.bytesMin else { return response }
        response.headers[.vary] = "Accept-Encoding"
        guard request.method != .head, Self.takesGzip(request.headers[values: .acceptEncoding]) else { return response }
        let collected = CollectedBody()
        try await response.body.write(collected)
        let body = collected.bytes
        guard let packed = Gzip.packed(body), packed.readableBytes < body.readableBytes else {
            response.body = ResponseBody(byteBuffer: body)
            return response
        }
        response.headers[.contentEncoding] = "gzip"
        response.headers[.contentLength] = nil
        response.body = ResponseBody(byteBuffer: packed)
        return response
    }

    /// Source: RFC 9110, section 12.5.3.
    package static func takesGzip(_ values: [String]) -> Bool {
        var isAnyTaken = false
        for coding in values.flatMap({ $0.split(separator: ",") }) {
            let parts = coding.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let name = parts.first else { continue }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if name == "gzip" || name == "x-gzip" { return quality > 0 }
            if name == "*" { isAnyTaken = quality > 0 }
        }
        return isAnyTaken
    }
}

/// A body in one piece.
private final class CollectedBody: ResponseBodyWriter, Sendable {
    private let buffer = Mutex(ByteBuffer())

    var bytes: ByteBuffer { buffer.withLock { $0 } }

    func write(_ part: ByteBuffer) async throws {
        var part = part
        buffer.withLock { buffer in
            if buffer.readableBytes == 0 { buffer = part } else { buffer.writeBuffer(&part) }
        }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
