import ClientSupport
import Kafka
import Logging
import Mongo
import NIOCore
import NIOPosix
import QuartetStack
import QuartetTesting
import Testing

@testable import QuartetChaos

/// The proxy in front of real servers.
@Suite struct StormProxyTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func clientsFindEachStoreThroughTheProxyAlone() async throws {
        let stack = try await TestStack.shared
        let proxy = try await ChaosPlan(seed: 1, minutes: 1).proxy(to: stack)
        let direct = stack.environment
        let environment = proxy.environment(of: "work-1", direct)
        for key in ["DROPSHIP_DATABASE_URL", "REDIS_URL", "MONGODB_URL", "KAFKA_BROKERS"] {
            #expect(environment[key] != nil && environment[key] != direct[key])
            #expect(environment[key] != proxy.environment(of: "work-2", direct)[key])
        }
        if !TestStack.isSecured {
            try await mongoNamesTheProxy(try #require(environment["MONGODB_URL"]))
            try await kafkaNamesTheProxy(try #require(environment["KAFKA_BROKERS"]))
        }
        await proxy.close()
    }

    private func mongoNamesTheProxy(_ url: String) async throws {
        let client = try MongoClient(try MongoConfiguration(url: url), logger: logger)
        let me = try await client.runCommand(["hello": 1])["me"]?.asString
        await client.close()
        #expect(url.contains(try #require(me)))
    }

    private func kafkaNamesTheProxy(_ address: String) async throws {
        let port = try #require(UInt16(address.split(separator: ":").last ?? ""))
        // Metadata of no topic, version 1.
        let request: [UInt8] = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0]
        let answer = try await RawCall.answer(to: request, atPort: port, length: 40)
        let named = Array("127.0.0.1".utf8) + [0, 0, UInt8(port >> 8), UInt8(port & 0xff)]
        #expect(answer.firstRange(of: named) != nil)
    }

    /// Sends bytes and returns what comes, up to a length.
    private enum RawCall {
        static func answer(to request: [UInt8], atPort port: UInt16, length: Int) async throws -> [UInt8] {
            let (bytes, feed) = AsyncStream.makeStream(of: [UInt8].self)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Listener(feed))
                    }
                }
                .connect(host: "127.0.0.1", port: Int(port)).get()
            try await channel.writeAndFlush(ByteBuffer(bytes: request))
            var answer: [UInt8] = []
            for await part in bytes {
                answer += part
                if answer.count >= length { break }
            }
            try? await channel.close().get()
            return answer
        }

        private final class Listener: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            private let feed: AsyncStream<[UInt8]>.Continuation

            init(_ feed: AsyncStream<[UInt8]>.Continuation) { self.feed = feed }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                feed.yield(Array(unwrapInboundIn(data).readableBytesView))
            }

            func channelInactive(context: ChannelHandlerContext) { feed.finish() }
        }
    }
}
