import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import QuartetAPI

/// HTTP as RFC 9110 and RFC 9112 have it, on a socket.
@Suite(.timeLimit(.minutes(2))) struct HTTPMessageTests {
    /// A request, how its answer may begin, and what it must have; the connection ends behind it.
    struct Exchange: Sendable, CustomTestStringConvertible {
        let name: String
        let request: String
        let statuses: [Int]
        var wanted: [String] = []

        var testDescription: String { name }
    }

    private static let close = "Host: t\r\nConnection: close\r\n"
    private static let key = "X-API-Key: \(APIFixture.key)\r\n"
    private static let post = "POST /v1/products/p-1/reviews HTTP/1.1\r\n\(close)\(key)"
    private static let review = #"[{"id":"a","text":"x"}]"#

    static let exchanges = [
        Exchange(name: "1.1", request: "GET /healthz HTTP/1.1\r\n\(close)\r\n", statuses: [200], wanted: ["date: "]),
        Exchange(name: "1.0 ends the connection", request: "GET /healthz HTTP/1.0\r\n\r\n", statuses: [200]),
        Exchange(name: "2.0", request: "GET /healthz HTTP/2.0\r\n\(close)\r\n", statuses: [400, 505]),
        Exchange(name: "no version", request: "GET /healthz\r\n\r\n", statuses: [400]),
        Exchange(name: "no host", request: "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", statuses: [400]),
        Exchange(name: "two hosts", request: "GET /healthz HTTP/1.1\r\nHost: a\r\n\(close)\r\n", statuses: [400]),
        Exchange(
            name: "close among others", request: "GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: TE, Close\r\n\r\n",
            statuses: [200]),
        Exchange(
            name: "absolute form", request: "GET http://t/healthz HTTP/1.1\r\n\(close)\r\n", statuses: [200]),
        Exchange(name: "asterisk form", request: "OPTIONS * HTTP/1.1\r\n\(close)\r\n", statuses: [200, 204, 404, 405]),
        Exchange(
            name: "another method", request: "DELETE /healthz HTTP/1.1\r\n\(close)\r\n", statuses: [405],
            wanted: ["allow: get, head"]),
        Exchange(
            name: "an unknown method", request: "BREW /healthz HTTP/1.1\r\n\(close)\r\n", statuses: [400, 405, 501]),
        Exchange(
            name: "a method in lower case", request: "get /healthz HTTP/1.1\r\n\(close)\r\n", statuses: [400, 405, 501]),
        Exchange(
            name: "space before a colon", request: "GET /healthz HTTP/1.1\r\nA : b\r\n\(close)\r\n", statuses: [400]),
        Exchange(
            name: "a head that is too large",
            request: "GET /healthz HTTP/1.1\r\n\(close)A: \(String(repeating: "a", count: 100_000))\r\n\r\n",
            statuses: [400, 431]),
        Exchange(
            name: "a target that is too long",
            request: "GET /\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\n\(close)\r\n",
            statuses: [400, 404, 414]),
        Exchange(
            name: "two ways to say the length",
            request: "\(post)Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", statuses: [400]),
        Exchange(
            name: "two lengths", request: "\(post)Content-Length: 3\r\nContent-Length: 4\r\n\r\n[1]", statuses: [400]),
        Exchange(name: "a negative length", request: "\(post)Content-Length: -1\r\n\r\n", statuses: [400]),
        Exchange(
            name: "an unknown transfer coding", request: "\(post)Transfer-Encoding: gzip\r\n\r\n", statuses: [400, 501]),
        Exchange(
            name: "an upgrade that is offered",
            request: "GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                + "HTTP2-Settings: AAMAAABk\r\n\r\n", statuses: [200], wanted: ["connection: close"]),
        Exchange(
            name: "an upgrade that is offered with a body",
            request:
                "POST /v1/products/p-1/reviews HTTP/1.1\r\nHost: t\r\n\(key)Connection: upgrade\r\nUpgrade: h2c\r\n"
                + "Content-Length: 2\r\n\r\n[]", statuses: [422], wanted: ["connection: close"]),
        Exchange(
            name: "a coding that is unknown before one that is known",
            request: "\(post)Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", statuses: [501],
            wanted: ["bad-transfer-coding"]),
        Exchange(
            name: "chunked in capitals", request: "\(post)Transfer-Encoding: Chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
            statuses: [422]),
        Exchange(
            name: "a host that is none", request: "GET /healthz HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n",
            statuses: [400], wanted: ["bad-host"]),
        Exchange(
            name: "an address of IPv6 as the host",
            request: "GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n", statuses: [200]),
        Exchange(
            name: "no host's name", request: "GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
            statuses: [200]),
        Exchange(
            name: "a path in another encoding",
            request: "GET /v1/products/%BB%F3 HTTP/1.1\r\n\(close)\(key)\r\n", statuses: [400], wanted: ["bad-path"]),
        Exchange(
            name: "a percent sign alone in a path",
            request: "PUT /v1/products/50% HTTP/1.1\r\n\(close)\(key)\r\n", statuses: [400], wanted: ["bad-path"]),
        Exchange(
            name: "more than one space before a key",
            request: "GET /v1/products HTTP/1.1\r\n\(close)Authorization: Bearer  \(APIFixture.key)\r\n\r\n",
            statuses: [200]),
        Exchange(
            name: "chunk extensions and trailers",
            request: "\(post)Transfer-Encoding: chunked\r\nTrailer: A\r\n\r\n"
                + "5;a=b\r\n\(review.prefix(5))\r\n\(String(review.utf8.count - 5, radix: 16));c=\"d\"\r\n"
                + "\(review.dropFirst(5))\r\n0\r\nA: b\r\n\r\n",
            statuses: [200], wanted: [#""added":1"#]),
        Exchange(
            name: "a chunk without its size", request: "\(post)Transfer-Encoding: chunked\r\n\r\nx\r\n", statuses: [400]
        ),
        Exchange(
            name: "HEAD", request: "HEAD /openapi.json HTTP/1.1\r\n\(close)\r\n", statuses: [200],
            wanted: ["content-length: "]),
        Exchange(
            name: "bare line feeds", request: "GET /healthz HTTP/1.1\nHost: t\nConnection: close\n\n",
            statuses: [200, 400]),
        Exchange(
            name: "a control character in a value", request: "GET /healthz HTTP/1.1\r\nA: b\u{1}c\r\n\(close)\r\n",
            statuses: [200, 400]),
        Exchange(
            name: "two keys at once",
            request: "POST /v1/analyses HTTP/1.1\r\n\(close)\(key)Idempotency-Key: a\r\nIdempotency-Key: b\r\n"
                + "Content-Length: 20\r\n\r\n{\"product_id\":\"p-1\"}", statuses: [400], wanted: ["bad-idempotency-key"]
        ),
    ]

    @Test(arguments: exchanges) func isAnsweredAsTheStandardSays(_ exchange: Exchange) async throws {
        let api = APIFixture()
        try await api.addReviews(1)
        try await api.server.testable.test(.live) { client in
            let caller = try await RawConnection.open(try #require(client.port))
            try await caller.send(exchange.request)
            let answer = await caller.readToEnd()
            let status = answer.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            #expect(exchange.statuses.contains(status ?? 0), "\(answer)")
            for wanted in exchange.wanted { #expect(answer.lowercased().contains(wanted), "\(answer)") }
            if exchange.name == "HEAD" { #expect(answer.hasSuffix("\r\n\r\n")) }
            try? await caller.close()
        }
    }

    /// Two keys that differ in a byte that is no ASCII would be one.
    @Test(arguments: [0xE8, 0xE9] as [UInt8]) func aKeyIsPrintableASCII(_ byte: UInt8) async throws {
        let api = APIFixture()
        try await api.addReviews(1)
        try await api.server.testable.test(.live) { client in
            let caller = try await RawConnection.open(try #require(client.port))
            let head = "POST /v1/analyses HTTP/1.1\r\n\(Self.close)\(Self.key)Content-Length: 20\r\nIdempotency-Key: k"
            var request = ByteBuffer(string: head)
            request.writeBytes([byte])
            request.writeString("\r\n\r\n{\"product_id\":\"p-1\"}")
            try await caller.send(request)
            let answer = await caller.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("bad-idempotency-key"), "\(answer)")
            try? await caller.close()
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await APIFixture().server.testable.test(.live) { client in
            let caller = try await RawConnection.open(try #require(client.port))
            let paths = ["/healthz", "/v1/nothing", "/metrics", "/healthz"]
            let last = paths.count - 1
            try await caller.send(
                paths.enumerated().map { index, path in
                    "GET \(path) HTTP/1.1\r\nHost: t\r\n\(Self.key)\(index == last ? "Connection: close\r\n" : "")\r\n"
                }.joined())
            let answer = await caller.readToEnd()
            let statuses = answer.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
            #expect(statuses == ["200", "404", "200", "200"], "\(answer)")
            try? await caller.close()
        }
    }
}
