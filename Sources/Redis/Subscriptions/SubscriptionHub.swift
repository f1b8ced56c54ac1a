import ClientSupport
import Logging
import NIOCore
import Synchronization

/// The connection that all subscriptions of a client share: carries out what ``SubscriptionState`` decides.
///
/// Everything happens on the event loop, in order, so that a subscriber sees events in the order in which they came.
final class SubscriptionHub: Sendable {
    private struct Bound {
        var machine: SubscriptionState<SubscriberBuffer>
        var channel: (any Channel)?
    }

    private let dialer: Dialer
    private let log: ConnectionLog
    private let bound: NIOLoopBoundBox<Bound>
    private let subscriptions = Atomic<UInt64>(0)

    init(dialer: Dialer, logger: Logger) {
        self.dialer = dialer
        let configuration = dialer.configuration
        log = ConnectionLog(logger: logger, location: configuration.location, purpose: "subscriptions")
        let machine = SubscriptionState<SubscriberBuffer>(
            backoff: configuration.reconnectBackoff, location: configuration.location)
        bound = .makeBoxSendingValue(Bound(machine: machine, channel: nil), eventLoop: dialer.eventLoop)
    }

    func subscribe(_ channel: String) -> RedisSubscription {
        let id = subscriptions.add(1, ordering: .relaxed).newValue
        let buffer = SubscriberBuffer(capacity: dialer.configuration.subscriptionBufferMax)
        change { $0.add(buffer, id: id, to: channel) }
        return RedisSubscription(
            buffer: buffer,
            lifetime: SubscriptionLifetime { [self] in
                buffer.finish(nil)
                change { $0.remove(id: id, from: channel) }
            })
    }

    /// Ends every subscription and closes the connection.
    func close() async {
        let channel = dialer.eventLoop.submit { [self] in
            apply { $0.close() }
            defer { bound.value.channel?.close(promise: nil) }
            return bound.value.channel
        }
        _ = try? await channel.get()?.closeFuture.get()
    }

    /// Goes elsewhere where the node that serves it is no member of its cluster any more.
    func leave(unlessAmong members: Set<RedisAddress>) {
        guard let served = dialer.addresses.current, let host = served.host, let port = served.port,
            !members.contains(RedisAddress(host: host, port: port))
        else { return }
        dialer.eventLoop.execute { [self] in bound.value.channel?.close(promise: nil) }
    }

    private func change(_ body: @escaping @Sendable (inout SubscriptionState<SubscriberBuffer>) -> State.Steps) {
        dialer.eventLoop.execute { [self] in apply(body) }
    }
}

extension SubscriptionHub: ConnectionDelegate {
    func connected(_ id: ConnectionID, over channel: any Channel) {
        let (isWanted, steps) = bound.value.machine.connected(id)
        guard isWanted else { return channel.close(promise: nil) }
        bound.value.channel = channel
        log.connected()
        perform(steps)
    }

    func received(_ replies: [RedisValue], from id: ConnectionID) {
        apply { $0.received(replies, from: id) }
    }

    /// Requests are few and small: the channel may buffer them.
    func writabilityChanged(_ id: ConnectionID, isWritable: Bool) {}

    func lost(_ id: ConnectionID, _ error: RedisError) {
        if bound.value.machine.reachability.isUp(id) { bound.value.channel = nil }
        let steps = bound.value.machine.lost(id, error)
        log.lost(error, isExpected: steps.next == .nothing)
        perform(steps)
    }
}

extension SubscriptionHub {
    private typealias State = SubscriptionState<SubscriberBuffer>

    private func apply(_ body: (inout State) -> State.Steps) {
        perform(body(&bound.value.machine))
    }

    private func perform(_ steps: State.Steps) {
        for (event, subscribers) in steps.deliveries {
            for subscriber in subscribers { subscriber.push(event) }
        }
        for (error, subscribers) in steps.ends {
            for subscriber in subscribers { subscriber.finish(error) }
        }
        if !steps.write.isEmpty, let channel = bound.value.channel {
            var bytes = ByteBuffer()
            for command in steps.write { bytes.write(FormattedCommand(command)) }
            channel.writeAndFlush(bytes, promise: nil)
        }
        switch steps.next {
        case .nothing: break
        case .connect(let id): dialer.connect(id, delegate: self)
        case .retry(let id, let delay):
            dialer.eventLoop.scheduleTask(in: TimeAmount(delay)) { [self] in apply { $0.retryDue(id) } }
        }
        if steps.disconnect { bound.value.channel?.close(promise: nil) }
    }
}
