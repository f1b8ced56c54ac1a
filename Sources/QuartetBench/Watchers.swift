import Foundation
import NIOCore
import NIOPosix
import QuartetCore

/// Callers that each follow one request's event stream to its end, over connections of their own.
struct Watchers: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let ends: [EventLoopFuture<Void>]

    /// Returns once all streams have begun.
    init(of requests: [RequestID], port: Int, key: String) async throws {
        var ends: [EventLoopFuture<Void>] = []
        do {
            for start in stride(from: 0, to: requests.count, by: 50) {
                let watches = requests[start..<min(start + 50, requests.count)].map { [group] request in
                    let loop = group.next()
                    let (began, ended) = (loop.makePromise(of: Void.self), loop.makePromise(of: Void.self))
                    let question = ByteBuffer(
                        string: "GET /v1/analyses/\(request)/events HTTP/1.1\r\nHost: bench\r\n"
                            + "Authorization: Bearer \(key)\r\n\r\n")
                    ClientBootstrap(group: loop)
                        .channelInitializer { channel in
                            channel.eventLoop.makeCompletedFuture {
                                try channel.pipeline.syncOperations.addHandler(
                                    WatchHandler(question, began: began, ended: ended))
                            }
                        }
                        .connect(host: "127.0.0.1", port: port)
                        .whenFailure {
                            began.fail($0)
                            ended.fail($0)
                        }
                    return (began.futureResult, ended.futureResult)
                }
                ends += watches.map(\.1)
                for (began, _) in watches { try await began.get() }
            }
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        self.ends = ends
    }

    func untilAllEnded() async throws {
        do {
            for end in ends { try await end.get() }
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }
}

/// One watcher: bound to its channel's event loop.
private final class WatchHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let question: ByteBuffer
    private let began: EventLoopPromise<Void>
    private let ended: EventLoopPromise<Void>
    /// The last bytes that came: what is looked for may come in two parts.
    private var tail: [UInt8] = []

    init(_ question: ByteBuffer, began: EventLoopPromise<Void>, ended: EventLoopPromise<Void>) {
        self.question = question
        self.began = began
        self.ended = ended
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(question), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = tail + unwrapInboundIn(data).readableBytesView
        if tail.isEmpty {
            guard bytes.starts(with: Self.accepted) else {
                finish(BenchError("a watcher was answered with \(String(decoding: bytes.prefix(200), as: UTF8.self))"))
                return context.close(promise: nil)
            }
            began.succeed()
        }
        if bytes.suffix(Self.lastChunk.count).elementsEqual(Self.lastChunk) {
            let text = String(decoding: bytes, as: UTF8.self)
            finish(text.contains("event: end") ? nil : BenchError("a stream ended with \(text.suffix(200))"))
            context.close(promise: nil)
        }
        tail = bytes.suffix(1_000)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(BenchError("the server closed a watcher's connection: \(String(decoding: tail, as: UTF8.self))"))
    }

    private func finish(_ error: (any Error)?) {
        guard let error else {
            began.succeed()
            return ended.succeed()
        }
        began.fail(error)
        ended.fail(error)
    }

    private static let accepted = Array("HTTP/1.1 200".utf8)
    private static let lastChunk = Array("\r\n0\r\n\r\n".utf8)
}
