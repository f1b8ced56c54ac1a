import ClientSupport
import Foundation
package import Logging
package import QuartetCore
package import RabbitMQ
import Synchronization

/// Dead letters in RabbitMQ's queues. They are looked at in their order and go back; what something is done with is removed.
package final class RabbitDeadLetterStore: DeadLetterStore {
    private static let pageSize = 500
    private static let timeout: Duration = .seconds(30)

    private let queues: [RabbitEventQueue]
    private let admin: RabbitAdmin
    private let publisher: @Sendable () throws -> RabbitPublisher
    /// The page that is being looked at.
    private let taken = Mutex<[DeadLetter.Place: RabbitDelivery]>([:])

    /// - Parameter publisher: sends what is redriven; stays open.
    package init(
        queues: [RabbitEventQueue], rabbit: RabbitConfiguration,
        publisher: @escaping @Sendable () throws -> RabbitPublisher, logger: Logger
    ) {
        self.queues = queues
        self.publisher = publisher
        admin = RabbitAdmin(rabbit, logger: logger)
    }

    /// A queue is looked at from its beginning.
    package func forEachPage(
        from starts: [DeadLetter.Source: Int64], _ body: ([DeadLetter]) async throws -> Void
    ) async throws -> [DeadLetter.Source: Int64] {
        for queue in queues {
            do {
                try await read(queue, body)
            } catch {
                await putBack()
                throw error
            }
            await putBack()
        }
        return [:]
    }

    private func putBack() async {
        taken.withLock { $0 = [:] }
        await admin.disconnect()
    }

    /// As many as there are now: what comes meanwhile is for another time.
    private func read(_ queue: RabbitEventQueue, _ body: ([DeadLetter]) async throws -> Void) async throws {
        guard var left = try await admin.state(of: queue.deadLetters)?.messages else { return }
        while left > 0 {
            var page: [DeadLetter] = []
            while page.count < min(left, Self.pageSize), let delivery = try await admin.take(from: queue.deadLetters) {
                let letter = Self.letter(delivery, of: queue)
                taken.withLock { $0[letter.place] = delivery }
                page.append(letter)
            }
            guard !page.isEmpty else { return }
            left -= page.count
            try await body(page)
            taken.withLock { $0 = [:] }
        }
    }

    /// To the queue whence they came: whoever else took them in has no use for them.
    package func redrive(_ letters: [DeadLetter]) async throws {
        try await handle(letters.filter { !$0.isCut }) { [self] letters in
            let messages = letters.map { letter in
                RabbitMessage(
                    exchange: "", routingKey: String(letter.place.topic.dropLast(EventTopic.deadLetterSuffix.count)),
                    headers: letter.headersOfEvent.filter { !$0.name.hasPrefix("x-") }
                        .map { RabbitHeader($0.name, .text($0.value)) },
                    body: letter.value)
            }
            for result in try await publisher().publish(messages, deadline: .after(Self.timeout)) { try result.get() }
        }
    }

    package func drop(_ letters: [DeadLetter]) async throws {
        try await handle(letters) { _ in }
    }

    /// Does something with letters and removes them; those that are not of the page that is looked at are looked for.
    private func handle(
        _ letters: [DeadLetter], _ act: @escaping ([DeadLetter]) async throws -> Void
    ) async throws {
        let present = taken.withLock { taken in letters.filter { taken[$0.place] != nil } }
        if !present.isEmpty { try await act(present) }
        for letter in present {
            guard let delivery = taken.withLock({ $0.removeValue(forKey: letter.place) }) else { continue }
            try await admin.acknowledge(delivery)
        }
        let missing = Set(letters).subtracting(present)
        guard !missing.isEmpty, present.isEmpty else { return }
        try await forEachPage { page in
            let wanted = page.filter(missing.contains)
            if !wanted.isEmpty { try await handle(wanted, act) }
        }
    }

    private static func letter(_ delivery: RabbitDelivery, of queue: RabbitEventQueue) -> DeadLetter {
        let milliseconds = delivery.integer("dlq_time") ?? 0
        let headers = delivery.headers.compactMap { header -> (name: String, value: [UInt8])? in
            guard case .text(let text) = header.value else { return nil }
            return (header.name, text)
        }
        let place = DeadLetter.Place(
            topic: queue.deadLetters, partition: 0,
            offset: delivery.integer("dlq_id")
                ?? Int64(
                    bitPattern: delivery.body.reduce(14_695_981_039_346_656_037) {
                        ($0 ^ UInt64($1)) &* 1_099_511_628_211
                    } >> 1),
            writtenAt: Date(timeIntervalSince1970: Double(milliseconds) / 1000))
        let reason = delivery.text("dlq_reason") ?? delivery.text("x-first-death-reason") ?? "none given"
        return DeadLetter(
            place: place, reason: reason, key: delivery.text("ce_subject").map { Array($0.utf8) } ?? [],
            value: delivery.body, headers: headers)
    }
}

/// Dead letters of several buses.
package struct DeadLetterStores: DeadLetterStore {
    private let kafka: (any DeadLetterStore)?
    private let rabbit: (any DeadLetterStore)?

    package init(kafka: (any DeadLetterStore)?, rabbit: (any DeadLetterStore)?) {
        self.kafka = kafka
        self.rabbit = rabbit
    }

    package func forEachPage(
        from starts: [DeadLetter.Source: Int64], _ body: ([DeadLetter]) async throws -> Void
    ) async throws -> [DeadLetter.Source: Int64] {
        let ends = try await kafka?.forEachPage(from: starts, body) ?? [:]
        return try await rabbit?.forEachPage(from: starts, body).merging(ends) { $1 } ?? ends
    }

    package func redrive(_ letters: [DeadLetter]) async throws {
        try await kafka?.redrive(letters.filter(Self.isOfKafka))
        try await rabbit?.redrive(letters.filter { !Self.isOfKafka($0) })
    }

    package func drop(_ letters: [DeadLetter]) async throws {
        try await kafka?.drop(letters.filter(Self.isOfKafka))
        try await rabbit?.drop(letters.filter { !Self.isOfKafka($0) })
    }

    /// There topics have dead letters, here queues.
    private static func isOfKafka(_ letter: DeadLetter) -> Bool {
        EventTopic.allCases.contains { $0.deadLetters == letter.place.topic }
    }
}
