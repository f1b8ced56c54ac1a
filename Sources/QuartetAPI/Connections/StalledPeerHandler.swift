import NIOCore

/// Closes a connection whose peer takes nothing of what is written for it during `timeout`, or less once the process stops: what
/// it holds, a watcher's seat among it, is others' then.
final class StalledPeerHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    /// Once the process was told to stop, which waits for every answer.
    static let timeoutAtStop: TimeAmount = .seconds(2)

    private var timeout: TimeAmount
    private var closing: Scheduled<Void>?

    init(timeout: TimeAmount) {
        self.timeout = timeout
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        watch(context)
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            timeout = min(timeout, Self.timeoutAtStop)
            watch(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        closing?.cancel()
    }

    private func watch(_ context: ChannelHandlerContext) {
        closing?.cancel()
        closing = nil
        guard !context.channel.isWritable else { return }
        let channel = context.channel
        closing = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }
}
