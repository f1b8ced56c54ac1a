/// What a subscriber learns.
package enum RedisSubscriptionEvent: Sendable, Hashable {
    /// The server has confirmed: messages arrive from here on. Comes once, first.
    case subscribed
    case message([UInt8])
    /// Messages may be missing here: the connection was lost and is back, or the subscriber was too slow for its buffer.
    case messagesMissed
}

/// The messages of one channel, for one consumer.
///
/// Ends when the consumer's task is cancelled, with ``cancel()``, and when the client closes; throws when the server
/// refuses the subscription. A lost connection does not end it. Letting go of it ends the subscription.
package struct RedisSubscription: AsyncSequence, Sendable {
    let buffer: SubscriberBuffer
    let lifetime: SubscriptionLifetime

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let buffer: SubscriberBuffer
        /// Keeps the subscription as long as somebody iterates.
        fileprivate let lifetime: SubscriptionLifetime

        package mutating func next() async throws(RedisError) -> RedisSubscriptionEvent? {
            try await buffer.next()
        }

        package mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(RedisError) -> RedisSubscriptionEvent? {
            try await buffer.next()
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(buffer: buffer, lifetime: lifetime) }

    /// Ends the subscription; a waiting consumer gets the end.
    package func cancel() { lifetime.end() }
}

/// Ends a subscription when it is told to, or when the last reference to it goes. Ending twice does nothing.
final class SubscriptionLifetime: Sendable {
    private let onEnd: @Sendable () -> Void

    init(onEnd: @escaping @Sendable () -> Void) {
        self.onEnd = onEnd
    }

    func end() { onEnd() }

    deinit { onEnd() }
}
