import ClientSupport
import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// Callers that each send the next request when they have the answer to the last, over connections of their own.
///
/// As little as possible happens here, because the callers share the machine with what they measure: requests are ready
/// bytes, and of an answer only the status line and the length are read.
struct ClosedLoop: Sendable {
    let port: Int
    let callers: Int
    /// Whole requests, used in turn.
    let requests: [ByteBuffer]
    /// The status of an answer that is none of those refused.
    var accepted = 202

    struct Outcome: Sendable {
        var latencies = Latencies()
        var refused = 0
        var duration: Duration = .zero
    }

    /// Sends `count` requests in all.
    func run(count: Int) async throws -> Outcome {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let tickets = Tickets(count: count)
        let started = ContinuousClock.now
        do {
            var outcome = try await withThrowingTaskGroup(of: Outcome.self) { tasks in
                for caller in 0..<callers {
                    tasks.addTask { try await call(caller, tickets: tickets, group: group) }
                }
                return try await tasks.reduce(into: Outcome()) { total, part in
                    total.latencies.add(part.latencies)
                    total.refused += part.refused
                }
            }
            outcome.duration = started.duration(to: .now)
            try await group.shutdownGracefully()
            return outcome
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private func call(_ caller: Int, tickets: Tickets, group: any EventLoopGroup) async throws -> Outcome {
        let done = group.next().makePromise(of: Outcome.self)
        do {
            _ = try await ClientBootstrap(group: group)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            CallerHandler(
                                requests: requests, accepted: accepted, first: caller * requests.count / callers,
                                tickets: tickets, done: done))
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
        } catch {
            done.fail(error)
        }
        return try await done.futureResult.get()
    }
}

/// The requests still to be sent, shared by all callers.
private final class Tickets: Sendable {
    private let left: Atomic<Int>

    init(count: Int) {
        left = Atomic(count)
    }

    func take() -> Bool { left.wrappingSubtract(1, ordering: .relaxed).newValue >= 0 }
}

/// One caller: bound to its channel's event loop.
private final class CallerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let requests: [ByteBuffer]
    private let accepted: Int
    private var next: Int
    private let tickets: Tickets
    private let done: EventLoopPromise<ClosedLoop.Outcome>
    private var outcome = ClosedLoop.Outcome()
    private var answer = ByteBuffer()
    private var sentAt = ContinuousClock.now

    init(
        requests: [ByteBuffer], accepted: Int, first: Int, tickets: Tickets, done: EventLoopPromise<ClosedLoop.Outcome>
    ) {
        self.requests = requests
        self.accepted = accepted
        next = first
        self.tickets = tickets
        self.done = done
    }

    func channelActive(context: ChannelHandlerContext) {
        send(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        answer.writeBuffer(&part)
        while let status = takeAnswer() {
            outcome.latencies.add(sentAt.duration(to: .now))
            if status != accepted { outcome.refused += 1 }
            send(context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        done.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        done.fail(BenchError("the server closed a caller's connection"))
    }

    private func send(_ context: ChannelHandlerContext) {
        guard tickets.take() else {
            done.succeed(outcome)
            context.close(promise: nil)
            return
        }
        next = (next + 1) % requests.count
        sentAt = .now
        context.writeAndFlush(wrapOutboundOut(requests[next]), promise: nil)
    }

    /// Takes one whole answer out of what has come; returns its status.
    private func takeAnswer() -> Int? {
        let view = answer.readableBytesView
        guard let head = Self.headLength(view) else { return nil }
        let text = String(decoding: view.prefix(head), as: UTF8.self)
        let lines = text.split(separator: "\r\n")
        let length =
            lines.lazy.compactMap { line -> Int? in
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2, parts[0].lowercased() == "content-length" else { return nil }
                return Int(parts[1].drop { $0 == " " })
            }.first ?? 0
        guard view.count >= head + length else { return nil }
        answer.moveReaderIndex(forwardBy: head + length)
        answer.discardReadBytes()
        return lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    private static func headLength(_ view: ByteBufferView) -> Int? {
        var matched = 0
        let end: [UInt8] = [13, 10, 13, 10]
        for (offset, byte) in view.enumerated() {
            matched = byte == end[matched] ? matched + 1 : byte == end[0] ? 1 : 0
            if matched == end.count { return offset + 1 }
        }
        return nil
    }
}
