import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import QuartetCore
import Testing
import Zlib

@testable import QuartetAPI

/// What callers hold without using it, on a socket.
@Suite(.timeLimit(.minutes(2))) struct HTTPBoundTests {
    private static let review = #"[{"id": "a", "text": "x"}]"#

    private func post(
        _ headers: [String], _ body: String = "", path: String = "/v1/products/p-1/reviews",
        key: String = APIFixture.key
    ) -> String {
        let head = ["POST \(path) HTTP/1.1", "Host: t", "X-API-Key: \(key)"] + headers
        return head.joined(separator: "\r\n") + "\r\n\r\n" + body
    }

    private func serving(
        _ api: APIFixture = APIFixture(), _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await api.addReviews(1)
        try await api.server.testable.test(.live) { client in try await body(try #require(client.port)) }
    }

    @Test func aCallerWhoWaitsForItIsToldToGoOn() async throws {
        try await serving { port in
            let caller = try await RawConnection.open(port)
            let length = "Content-Length: \(Self.review.utf8.count)"
            try await caller.send(post([length, "Expect: 100-Continue"]))
            #expect(await caller.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await caller.send(Self.review)
            #expect(await caller.read(until: "known").contains("HTTP/1.1 200 OK"))
            // The connection goes on.
            try await caller.send("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n")
            #expect(await caller.read(until: #""status":"ok""#).hasSuffix("}"))
            try await caller.close()
        }
    }

    @Test(arguments: [
        (["Content-Length: 10"], "/v1/products/p-1/reviews", "wrong", "401"),
        (["Content-Length: 10"], "/v1/nothing", APIFixture.key, "404"),
        (["Content-Length: 10"], "/v1/products/unknown/reviews", APIFixture.key, "404"),
        (["Content-Length: 10"], "/v1/products/p-1", APIFixture.key, "405"),
        (["Content-Length: 9000"], "/v1/products/p-1/reviews", APIFixture.key, "413"),
        (["Content-Length: 10", "Content-Type: text/csv"], "/v1/products/p-1/reviews", APIFixture.key, "415"),
        (["Content-Length: 10", "Content-Encoding: br"], "/v1/products/p-1/reviews", APIFixture.key, "415"),
        (["Content-Length: 10", "Expect: a-miracle"], "/v1/products/p-1/reviews", APIFixture.key, "417"),
    ])
    func whatIsRefusedIsSoBeforeTheBodyTravels(
        _ headers: [String], _ path: String, _ key: String, _ status: String
    ) async throws {
        try await serving { port in
            let caller = try await RawConnection.open(port)
            let isExpecting = headers.contains { $0.hasPrefix("Expect") }
            let all = isExpecting ? headers : headers + ["Expect: 100-continue"]
            try await caller.send(post(all, path: path, key: key))
            let answer = await caller.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            #expect(answer.lowercased().contains("connection: close"))
            try await caller.close()
        }
    }

    @Test func whoSendsABodyWithoutAKeyIsLeft() async throws {
        try await serving { port in
            let caller = try await RawConnection.open(port)
            try await caller.send(post(["Transfer-Encoding: chunked"], "1\r\n[\r\n", key: "wrong"))
            #expect(await caller.readToEnd().hasPrefix("HTTP/1.1 401 "))
            try await caller.close()
        }
    }

    @Test func aBodyThatTricklesIsNotWaitedFor() async throws {
        var api = APIFixture()
        api.requestTimeout = .milliseconds(100)
        try await serving(api) { port in
            let caller = try await RawConnection.open(port)
            try await caller.send(post(["Content-Length: 100"], "["))
            #expect(await caller.readToEnd().hasPrefix("HTTP/1.1 408 "))
            try await caller.close()
        }
    }

    @Test func bodiesShareABudget() async throws {
        var api = APIFixture()
        api.bodiesBytesMax = 9_000
        try await serving(api) { port in
            let first = try await RawConnection.open(port)
            try await first.send(post(["Content-Length: 8000", "Expect: 100-continue"]))
            _ = await first.read(until: "100 Continue")
            let second = try await RawConnection.open(port)
            try await second.send(post(["Content-Length: 8000"], "["))
            let answer = await second.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("too-much-at-once"))
            #expect(answer.lowercased().contains("retry-after: 1"))
            // In pieces it is the same, as soon as they are too many.
            let pieces = try await RawConnection.open(port)
            let piece = "400\r\n" + String(repeating: " ", count: 1024) + "\r\n"
            try await pieces.send(post(["Transfer-Encoding: chunked"], piece))
            #expect(await pieces.readToEnd().hasPrefix("HTTP/1.1 503 "))
            // What a call held is others' when it is over.
            try await first.send(String(repeating: " ", count: 8_000))
            #expect(await first.read(until: "not-json").contains("HTTP/1.1 400 "))
            let third = try await RawConnection.open(port)
            try await third.send(post(["Content-Length: 8000", "Expect: 100-continue"]))
            _ = await third.read(until: "100 Continue")
            for caller in [first, second, pieces, third] { try? await caller.close() }
        }
    }

    @Test func probesHaveSeatsOfTheirOwn() async throws {
        var api = APIFixture()
        api.connectionsMax = 2
        try await serving(api) { port in
            var holders: [RawConnection] = []
            for _ in 0..<2 {
                let holder = try await RawConnection.open(port)
                try await holder.send(post(["Content-Length: 100", "Expect: 100-continue"]))
                _ = await holder.read(until: "100 Continue")
                holders.append(holder)
            }
            let probe = try await RawConnection.open(port)
            try await probe.send("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n")
            let health = await probe.readToEnd()
            #expect(health.hasPrefix("HTTP/1.1 200 ") && health.lowercased().contains("connection: close"))
            let other = try await RawConnection.open(port)
            try await other.send("GET /v1/products HTTP/1.1\r\nHost: t\r\nX-API-Key: \(APIFixture.key)\r\n\r\n")
            let refusal = await other.readToEnd()
            #expect(refusal.hasPrefix("HTTP/1.1 503 ") && refusal.contains("too-many-connections"))
            for caller in holders + [probe, other] { try? await caller.close() }
        }
    }

    // MARK: Packed bodies

    @Test(arguments: [1, 2]) func aPackedBodyIsUnpacked(_ files: Int) async throws {
        let api = APIFixture()
        try await api.addReviews(0)
        try await api.run { caller in
            let text = #"[{"id": "a", "text": "x"}, {"id": "b", "text": "y"}]"#
            let parts = files == 1 ? [text] : [String(text.prefix(20)), String(text.dropFirst(20))]
            let packed = try parts.map { try #require(Gzip.packed(ByteBuffer(string: $0))) }
            let bytes = packed.flatMap { Array($0.readableBytesView) }
            func post(_ bytes: [UInt8], _ coding: String = "gzip") async throws -> Answer {
                try await caller.call(
                    .post, "/v1/products/p-1/reviews", bytes: bytes, headers: ["Content-Encoding": coding])
            }
            #expect(try await post(bytes).json["added"] as? Int == 2)
            #expect(try await post(bytes, "identity, x-gzip").json["known"] as? Int == 2)
            #expect(try await post(Array(bytes.dropLast())).problem == "bad-packing")
            #expect(try await post(Array(text.utf8)).problem == "bad-packing")
            let unknown = try await post(bytes, "br")
            #expect(unknown.status == 415 && unknown.headers[.acceptEncoding] == "gzip, deflate")
            // Small as it comes.
            let bomb = try #require(Gzip.packed(ByteBuffer(repeating: 0x20, count: 1 << 20)))
            #expect(bomb.readableBytes < 8_000)
            #expect(try await post(Array(bomb.readableBytesView)).problem == "body-too-large")
        }
    }

    @Test func aLargeAnswerIsPackedForWhoTakesIt() async throws {
        let api = APIFixture()
        try await api.run { caller in
            let plain = try await caller.call(.get, "/openapi.json", key: nil)
            #expect(plain.headers[.vary] == "Accept-Encoding" && plain.headers[.contentEncoding] == nil)
            let response = try await caller.client.executeRequest(
                uri: "/openapi.json", method: .get, headers: [.acceptEncoding: "br;q=1, gzip;q=0.5"], body: nil)
            #expect(response.headers[.contentEncoding] == "gzip")
            #expect(response.body.readableBytes < plain.text.utf8.count / 2)
            var unpacked = ByteBuffer()
            let inflation = try Inflation()
            try inflation.add(response.body, to: &unpacked, atMost: 1 << 20)
            #expect(inflation.isAtEnd && String(buffer: unpacked) == plain.text)
            for refused in ["gzip;q=0", "identity", "*;q=0", ""] {
                let answer = try await caller.call(
                    .get, "/openapi.json", headers: ["Accept-Encoding": refused], key: nil)
                #expect(answer.headers[.contentEncoding] == nil, "\(refused)")
            }
            let small = try await caller.call(.get, "/healthz", headers: ["Accept-Encoding": "gzip"], key: nil)
            #expect(small.headers[.contentEncoding] == nil)
        }
    }
}
