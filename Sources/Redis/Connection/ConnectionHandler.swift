import NIOCore

/// Who is told what happens on a connection; always on its event loop, in order.
protocol ConnectionDelegate: AnyObject, Sendable {
    /// The handshake is done.
    func connected(_ id: ConnectionID, over channel: any Channel)
    /// All replies of one read, never none.
    func received(_ replies: [RedisValue], from id: ConnectionID)
    func writabilityChanged(_ id: ConnectionID, isWritable: Bool)
    /// The connection is over, or could not be made. Comes exactly once, and last.
    func lost(_ id: ConnectionID, _ error: RedisError)
}

/// The end of a connection's pipeline: parses replies, carries out the handshake, and tells the delegate.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let id: ConnectionID
    private let configuration: RedisConfiguration
    private let deadline: NIODeadline
    private let delegate: any ConnectionDelegate
    private var reader = ReplyReader()
    private var handshake: Handshake
    private var isReady = false
    private var isOver = false
    private var replies: [RedisValue] = []
    private var failure: RedisError?
    private var handshakeTimer: Scheduled<Void>?

    /// - Parameter deadline: when the handshake must be done.
    init(
        id: ConnectionID, configuration: RedisConfiguration, deadline: NIODeadline, delegate: any ConnectionDelegate
    ) {
        self.id = id
        self.configuration = configuration
        self.deadline = deadline
        self.delegate = delegate
        handshake = Handshake(configuration)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard context.channel.isActive else { return end() }
        var bytes = context.channel.allocator.buffer(capacity: 256)
        for command in handshake.commands { bytes.write(FormattedCommand(command)) }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        let timeout = deadline - .now()
        handshakeTimer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.fail(
                RedisError(.connect, "no answer to the handshake within \(timeout.nanoseconds / 1_000_000) ms"), context
            )
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard failure == nil else { return }
        do throws(RedisError) {
            try unwrapInboundIn(data).withUnsafeReadableBytes { bytes throws(RedisError) in try reader.feed(bytes) }
            while let reply = try reader.next() {
                if isReady { replies.append(reply) } else { try advance(reply, context) }
            }
        } catch {
            fail(error, context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        deliver()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isReady { delegate.writabilityChanged(id, isWritable: context.channel.isWritable) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let code: RedisError.Code = isReady ? .connectionLost : .connect
        let prefix = isReady ? "the connection broke" : "cannot connect"
        fail(RedisError(code, "\(prefix): \(oneLine(error))", cause: error), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deliver()
        end()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
    }

    private func advance(_ reply: RedisValue, _ context: ChannelHandlerContext) throws(RedisError) {
        try handshake.receive(reply)
        guard handshake.isComplete else { return }
        isReady = true
        handshakeTimer?.cancel()
        delegate.connected(id, over: context.channel)
    }

    private func deliver() {
        guard !replies.isEmpty else { return }
        let delivered = replies
        replies.removeAll(keepingCapacity: false)
        delegate.received(delivered, from: id)
    }

    /// The first error is the reason; what follows from it is not reported.
    private func fail(_ error: RedisError, _ context: ChannelHandlerContext) {
        if failure == nil { failure = error }
        context.close(promise: nil)
    }

    private func end() {
        guard !isOver else { return }
        isOver = true
        handshakeTimer?.cancel()
        let error =
            failure
            ?? RedisError(
                isReady ? .connectionLost : .connect, "the server closed the connection")
        delegate.lost(id, error.at(configuration.location))
    }
}

extension ByteBuffer {
    mutating func write(_ command: borrowing FormattedCommand) {
        _ = command.withBytes { writeBytes($0) }
    }
}
