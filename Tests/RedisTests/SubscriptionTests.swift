import ClientSupport
import QuartetStack
import Testing

@testable import Redis

@Suite("Subscriptions on a real server")
struct SubscriptionTests {
    private func expect(
        _ event: RedisSubscriptionEvent?, from iterator: inout RedisSubscription.AsyncIterator,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        let next = try await iterator.next()
        #expect(next == event, sourceLocation: location)
    }

    private func message(_ text: String) -> RedisSubscriptionEvent { .message(Array(text.utf8)) }

    private func connections(of client: RedisClient) async throws -> Int {
        let list = try await client.send(RedisCommand("CLIENT", "LIST")).string()
        return list.split(separator: "\n").count
    }

    private func subscribers(of channel: String, seenBy client: RedisClient) async throws -> Int64 {
        try await client.send(RedisCommand("PUBSUB", "NUMSUB", channel)).array()[1].int()
    }

    @Test("Messages arrive in order, at every subscriber, over one connection and one subscription")
    func shared() async throws {
        try await withRedis { _, client in
            let first = client.subscribe("news")
            let second = client.subscribe("news")
            let other = client.subscribe("other")
            var (a, b, c) = (first.makeAsyncIterator(), second.makeAsyncIterator(), other.makeAsyncIterator())
            try await expect(.subscribed, from: &a)
            try await expect(.subscribed, from: &b)
            try await expect(.subscribed, from: &c)
            #expect(try await client.publish("1", to: "news") == 1)
            #expect(try await client.publish("2", to: "news") == 1)
            #expect(try await client.publish("3", to: "other") == 1)
            try await expect(message("1"), from: &a)
            try await expect(message("2"), from: &a)
            try await expect(message("1"), from: &b)
            try await expect(message("3"), from: &c)
            #expect(try await connections(of: client) == 2)
        }
    }

    @Test("The subscription at the server ends with its last subscriber")
    func countsReferences() async throws {
        try await withRedis { _, client in
            let kept = client.subscribe("news")
            var iterator = kept.makeAsyncIterator()
            try await expect(.subscribed, from: &iterator)
            do {
                let dropped = client.subscribe("news")
                var iterator = dropped.makeAsyncIterator()
                try await expect(.subscribed, from: &iterator)
            }
            #expect(try await client.publish("still there", to: "news") == 1)
            try await expect(message("still there"), from: &iterator)
            kept.cancel()
            try await expect(nil, from: &iterator)
            try await eventually { try await subscribers(of: "news", seenBy: client) == 0 }
        }
    }

    @Test("A cancelled consumer gets the end, and its subscription goes with it")
    func cancelledConsumer() async throws {
        try await withRedis { _, client in
            let (began, begin) = AsyncStream<Void>.makeStream()
            let consumer = Task {
                var seen = 0
                for try await _ in client.subscribe("news") {
                    seen += 1
                    begin.finish()
                }
                return seen
            }
            for await _ in began {}
            consumer.cancel()
            #expect(try await consumer.value == 1)
            try await eventually { try await subscribers(of: "news", seenBy: client) == 0 }
        }
    }

    @Test("After a crash of the server subscriptions are made again, and say that messages may be missing")
    func reconnect() async throws {
        try await withRedis { server, client in
            var iterator = client.subscribe("news").makeAsyncIterator()
            try await expect(.subscribed, from: &iterator)
            await server.kill()
            try await server.start()
            try await expect(.messagesMissed, from: &iterator)
            try await eventually { (try? await client.ping()) != nil }
            #expect(try await client.publish("back", to: "news") == 1)
            try await expect(message("back"), from: &iterator)
        }
    }

    @Test("A subscription made while the server is away begins when it is there")
    func subscribesLater() async throws {
        let server = try await makeServerThatIsAway()
        let client = makeClient(of: server)
        var iterator = client.subscribe("news").makeAsyncIterator()
        _ = try await redisError { try await client.ping() }
        try await server.start()
        try await expect(.subscribed, from: &iterator)
        await client.close()
        try await expect(nil, from: &iterator)
        await server.kill()
    }

    @Test("A slow subscriber loses the oldest messages, learns it, and holds up nobody")
    func slowSubscriber() async throws {
        try await withRedis(settings: .with { $0.subscriptionBufferMax = 4 }) { _, client in
            var slow = client.subscribe("news").makeAsyncIterator()
            var quick = client.subscribe("news").makeAsyncIterator()
            try await expect(.subscribed, from: &slow)
            try await expect(.subscribed, from: &quick)
            for number in 0..<10 {
                #expect(try await client.publish("\(number)", to: "news") == 1)
                try await expect(message("\(number)"), from: &quick)
            }
            try await expect(.messagesMissed, from: &slow)
            // The quick one may have the last message a moment before the slow one's buffer has it.
            let first = try #require(try await slow.next())
            let start = try #require((5...6).first { first == message("\($0)") })
            for number in start + 1..<start + 4 { try await expect(message("\(number)"), from: &slow) }
        }
    }

    @Test("A channel that the server refuses throws for its subscriber alone")
    func refused() async throws {
        let acl = ["--user", "default", "on", "nopass", "~*", "resetchannels", "&open*", "+@all"]
        try await withRedis(options: acl) { _, client in
            var open = client.subscribe("open").makeAsyncIterator()
            var secret = client.subscribe("secret").makeAsyncIterator()
            try await expect(.subscribed, from: &open)
            let error = try await redisError { try await secret.next() }
            #expect(error.code == .server("NOPERM"))
            #expect(try await client.publish("1", to: "open") == 1)
            try await expect(message("1"), from: &open)
        }
    }

    @Test("Closing the client ends its subscriptions, and later ones at once")
    func close() async throws {
        try await withRedis { server, _ in
            let other = makeClient(of: server)
            var iterator = other.subscribe("news").makeAsyncIterator()
            try await expect(.subscribed, from: &iterator)
            await other.close()
            try await expect(nil, from: &iterator)
            var late = other.subscribe("news").makeAsyncIterator()
            try await expect(nil, from: &late)
        }
    }
}
