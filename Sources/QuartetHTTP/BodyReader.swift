import HTTPTypes
package import Hummingbird
package import NIOCore
import NIOHTTPTypes
import Synchronization
import Zlib

/// How many bytes of bodies a process holds at most, over all calls: each body takes its share before it is read, and gives it
/// back when its call ends.
package final class BodyBudget: Sendable {
    private let free: Mutex<Int>

    package init(bytes: Int) {
        free = Mutex(bytes)
    }

    /// Whether there was room.
    package func take(_ count: Int) -> Bool {
        free.withLock { free in
            guard count <= free else { return false }
            free -= count
            return true
        }
    }

    package func give(_ count: Int) {
        free.withLock { $0 += count }
    }

    package var freeBytes: Int { free.withLock { $0 } }
}

/// Reads the body of one call, within bounds: its own, and the budget of all that are on the way.
package final class BodyReader: Sendable {
    private let budget: BodyBudget
    private let channel: any Channel
    private let taken = Mutex(0)

    package init(budget: BodyBudget, channel: any Channel) {
        self.budget = budget
        self.channel = channel
    }

    deinit { release() }

    /// The call is over.
    package func release() {
        let count = taken.withLock { taken in
            defer { taken = 0 }
            return taken
        }
        budget.give(count)
    }

    /// The whole body, unpacked. What can be refused without it is refused before it travels, if the caller waits for that.
    package func read(_ request: Request, atMost bytesMax: Int) async throws -> ByteBuffer {
        let tooLarge = Problem(.contentTooLarge, "body-too-large", "the body has more than \(bytesMax) bytes")
        let isPacked = try Self.isPacked(request.headers[values: .contentEncoding])
        let announced = request.headers[.contentLength].flatMap { Int($0) }
        if let announced, announced > bytesMax { throw tooLarge }
        try reserve(announced ?? 0)
        try await invite(request)
        let inflation = isPacked ? try Inflation() : nil
        var body = ByteBuffer()
        var arrived = 0
        do {
            for try await var chunk in request.body {
                arrived += chunk.readableBytes
                guard arrived <= bytesMax else { throw tooLarge }
                if let inflation {
                    try inflation.add(chunk, to: &body, atMost: bytesMax)
                } else if body.readableBytes == 0 {
                    body = chunk
                } else {
                    body.writeBuffer(&chunk)
                }
                let held = max(arrived, body.readableBytes)
                let reserved = taken.withLock { $0 }
                if held > reserved { try reserve(held - reserved) }
            }
        } catch Inflation.Failure.tooLarge {
            throw tooLarge
        } catch Inflation.Failure.malformed {
            throw Self.notPacked
        }
        if let inflation, !inflation.isAtEnd { throw Self.notPacked }
        return body
    }

    private static let notPacked = Problem(
        .badRequest, "bad-packing", "the body is not packed as its Content-Encoding says, or its end is missing")

    private func reserve(_ count: Int) throws {
        guard budget.take(count) else {
            throw Problem(
                .serviceUnavailable, "too-much-at-once", "the bodies of other calls take all the room; try again",
                retryAfterSeconds: 1)
        }
        taken.withLock { $0 += count }
    }

    /// Source: RFC 9110, section 8.4.
    private static func isPacked(_ values: [String]) throws -> Bool {
        let codings = values.flatMap { $0.split(separator: ",") }.map { $0.filter { $0 != " " }.lowercased() }
            .filter { $0 != "identity" }
        if codings.isEmpty { return false }
        if ["gzip", "x-gzip", "deflate"].contains(where: { codings == [$0] }) { return true }
        var problem = Problem(
            .unsupportedMediaType, "bad-content-encoding", "a body is packed by gzip or deflate, or not at all")
        problem.acceptEncoding = "gzip, deflate"
        throw problem
    }

    /// Source: RFC 9110, section 10.1.1.
    private func invite(_ request: Request) async throws {
        guard request.headers[.expect] != nil else { return }
        try await channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)))
    }
}
