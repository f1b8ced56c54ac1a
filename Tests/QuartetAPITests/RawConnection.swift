import Foundation
import NIOCore
import NIOPosix
import Synchronization

@testable import QuartetAPI

/// A caller who speaks HTTP byte by byte.
final class RawConnection: Sendable {
    private let channel: any Channel
    private let chunks: AsyncStream<String>
    private let heard = Mutex("")

    static func open(_ port: Int) async throws -> RawConnection {
        let (chunks, feed) = AsyncStream.makeStream(of: String.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Listener(feed))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawConnection(channel, chunks)
    }

    private init(_ channel: any Channel, _ chunks: AsyncStream<String>) {
        self.channel = channel
        self.chunks = chunks
    }

    func send(_ text: String) async throws { try await send(ByteBuffer(string: text)) }

    func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes).get() }

    /// Everything that came until `text` is among it.
    func read(until text: String) async -> String {
        if heard.withLock({ $0.contains(text) }) { return heard.withLock { $0 } }
        for await chunk in chunks {
            let all = heard.withLock { heard in
                heard += chunk
                return heard
            }
            if all.contains(text) { return all }
        }
        return heard.withLock { $0 }
    }

    /// Everything that came until the other side said that nothing more comes.
    func readToEnd() async -> String {
        for await chunk in chunks { heard.withLock { $0 += chunk } }
        return heard.withLock { $0 }
    }

    func close() async throws { try await channel.close().get() }

    private final class Listener: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let feed: AsyncStream<String>.Continuation

        init(_ feed: AsyncStream<String>.Continuation) {
            self.feed = feed
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            feed.yield(String(decoding: unwrapInboundIn(data).readableBytesView, as: UTF8.self))
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? ChannelEvent, event == .inputClosed { feed.finish() }
        }

        func channelInactive(context: ChannelHandlerContext) { feed.finish() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
