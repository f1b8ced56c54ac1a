import ClientSupport
import Foundation
package import QuartetCore
package import RabbitMQ
import Synchronization

package struct RabbitSubscriptionConfiguration: Sendable, Hashable {
    /// For putting one delivery aside.
    package var deadLetterTimeout: Duration = .seconds(30)
    package var closeTimeout: Duration = .seconds(5)
    /// How often a delivery that can't be applied comes before it is put aside.
    package var triesMax = 5
    /// The pause before it comes again.
    package var retryDelay: Duration = .seconds(10)

    package init() {}
}

/// Events from RabbitMQ: the one active consumer of a queue, or one that waits to be it.
package final class RabbitEventSubscription: EventSubscription {
    /// Why it was put aside, cut where it is long: all headers go in one frame.
    private static let reasonBytesMax = 8192
    private static let triesHeader = "dlq_tries"

    private let consumer: RabbitConsumer
    private let publisher: RabbitPublisher
    private let queue: RabbitEventQueue
    private let configuration: RabbitSubscriptionConfiguration
    /// Taken and not committed, in the order in which they came: never more than are sent ahead.
    private let uncommitted = Mutex<[RabbitDelivery]>([])

    /// - Parameters:
    ///   - consumer: of the queue; closed with the subscription.
    ///   - publisher: sends what is put aside; stays open.
    package init(
        consumer: RabbitConsumer, publisher: RabbitPublisher, queue: RabbitEventQueue,
        configuration: RabbitSubscriptionConfiguration = RabbitSubscriptionConfiguration()
    ) {
        self.consumer = consumer
        self.publisher = publisher
        self.queue = queue
        self.configuration = configuration
    }

    package func next(limit: Int, timeout: Duration) async throws -> [EventDelivery] {
        let taken = try await consumer.next(max: limit, timeout: timeout)
        uncommitted.withLock { $0 += taken }
        return taken.map(delivery(of:))
    }

    package func commit(_ deliveries: [EventDelivery]) async throws {
        guard let last = deliveries.map(\.offset).max() else { return }
        let done = uncommitted.withLock { uncommitted in
            let count = uncommitted.prefix { Int64(clamping: $0.tag) <= last }.count
            defer { uncommitted.removeFirst(count) }
            return uncommitted.prefix(count).last
        }
        if let done { try await consumer.acknowledge(done) }
    }

    /// With its headers, or without them where they don't fit.
    package func deadLetter(_ delivery: EventDelivery, reason: String, passes: Bool) async throws {
        let now = Date.now.timeIntervalSince1970
        let own = [
            RabbitHeader("dlq_reason", String(decoding: reason.utf8.prefix(Self.reasonBytesMax), as: UTF8.self)),
            RabbitHeader("dlq_topic", delivery.topic), RabbitHeader("dlq_time", .integer(Int64(now * 1000))),
            RabbitHeader("dlq_id", .integer(Int64(now * 1_000_000) &+ delivery.offset % 1000)),
        ]
        let headers = DeadLetter.headers(of: delivery, passes: passes).map { RabbitHeader($0.name, .text($0.value)) }
        let whole = RabbitMessage(
            exchange: RabbitEvents.deadLetterExchange, routingKey: queue.name, headers: headers + own,
            body: delivery.value)
        var cut = whole
        cut.headers = own + [RabbitHeader("dlq_truncated", String(delivery.value.count))]
        do {
            try await send(whole)
        } catch let error as RabbitError where error.code == .invalid {
            try await send(cut)
        } catch let error as RabbitError where error.code == .unroutable {
            try await publisher.declareAgain()
            try await send(whole)
        }
    }

    package func comeAgain(_ delivery: EventDelivery, reason: String) async throws -> Bool {
        let tries =
            delivery.headers.last { $0.name == Self.triesHeader }
            .flatMap { Int(String(decoding: $0.value, as: UTF8.self)) } ?? 1
        // Another publisher's header may say what it likes.
        guard tries >= 1, tries < configuration.triesMax else { return false }
        var message = RabbitMessage(
            exchange: "", routingKey: queue.retries,
            headers: Self.headers(of: delivery).filter { $0.name != Self.triesHeader }
                + [RabbitHeader(Self.triesHeader, "\(tries + 1)")],
            body: delivery.value)
        message.expiration = configuration.retryDelay
        do {
            try await send(message)
        } catch let error as RabbitError where error.code == .invalid || error.code == .unroutable {
            return false
        }
        return true
    }

    /// Heartbeats go by themselves.
    package func keepPlace() async throws {}

    package func close() async {
        await consumer.close(deadline: .after(configuration.closeTimeout))
    }

    private func send(_ message: RabbitMessage) async throws {
        for result in try await publisher.publish([message], deadline: .after(configuration.deadLetterTimeout)) {
            try result.get()
        }
    }

    private static func headers(of delivery: EventDelivery) -> [RabbitHeader] {
        delivery.headers.map { RabbitHeader($0.name, .text($0.value)) }
    }

    private func read(
        _ taken: RabbitDelivery, _ headers: [(name: String, value: [UInt8])]
    ) throws(EventDecodingError) -> DomainEvent {
        // What comes again has the name of its queue for a key: such a topic has its queue to itself.
        guard let type = queue.topics.lazy.compactMap(EventType.fromOutside(through:)).first, queue.topics.count == 1
        else { return try CloudEvent.event(headers: headers, value: taken.body) }
        return CloudEvent.event(
            fromOutside: type, headers: headers, value: taken.body,
            place: "\(queue.name)/\(taken.connection)/\(taken.tag)", key: [], writtenAt: .now)
    }

    /// Its offset is its tag, its partition the connection: both count from 1.
    private func delivery(of taken: RabbitDelivery) -> EventDelivery {
        let headers = taken.headers.compactMap { header -> (name: String, value: [UInt8])? in
            guard case .text(let text) = header.value else { return nil }
            return (header.name, text)
        }
        let event: Result<DomainEvent, EventDecodingError>
        do throws(EventDecodingError) {
            event = .success(try read(taken, headers))
        } catch {
            event = .failure(error)
        }
        // What comes again has the name of its queue for a key.
        let topic = (try? event.get())?.type.topic ?? RabbitEvents.topic(ofKey: taken.routingKey)
        return EventDelivery(
            topic: topic?.rawValue ?? queue.name, partition: Int32(clamping: taken.connection),
            offset: Int64(clamping: taken.tag), key: headers.last { $0.name == "ce_subject" }?.value ?? [],
            value: taken.body, headers: headers, event: event)
    }
}
