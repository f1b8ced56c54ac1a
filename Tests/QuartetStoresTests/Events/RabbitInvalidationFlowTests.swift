import ClientSupport
import Foundation
import QuartetCore
import QuartetTesting
import RabbitMQ
import Synchronization
import Testing

@testable import QuartetStores

/// How far behind the caches may be, by the outbox and by what waits in the queue.
@Suite struct RabbitInvalidationFlowTests {
    private struct Away: Error {}

    @Test func whatWaitsInTheQueueIsADelay() async throws {
        let waiting = Mutex<Int?>(nil)
        let flow = RabbitInvalidationFlow(
            outboxes: [FakeOutboxStore(database: FakeDatabase())], topics: [.product, .analysis]
        ) {
            waiting.withLock { $0 }.map { RabbitQueueState(name: "invalidate", messages: $0, consumers: 1) }
        }
        // There is no queue; then nobody has read what is in it.
        #expect(try await flow.delays() == [:])
        waiting.withLock { $0 = 3 }
        #expect(try await flow.delays() == [:])

        let began = ContinuousClock.now
        waiting.withLock { $0 = 0 }
        let first = try #require(try await flow.delays()[.product])
        #expect(first <= began.duration(to: .now))
        waiting.withLock { $0 = 1 }
        let since = ContinuousClock.now
        let second = try await flow.delays()
        #expect(try #require(second[.product]) >= first && second[.product] == second[.analysis])
        let third = try #require(try await flow.delays()[.product])
        #expect(third >= since.duration(to: .now) - .milliseconds(50) && third > first)
        let beforeEnd = ContinuousClock.now
        waiting.withLock { $0 = 0 }
        #expect(try #require(try await flow.delays()[.product]) <= beforeEnd.duration(to: .now))
    }

    @Test func whatWaitsInTheOutboxIsADelayAndABrokerThatIsAwayIsNoAnswer() async throws {
        let late = FakeDatabase(now: { Date(timeIntervalSinceNow: -100) })
        let outbox = FakeOutboxStore(database: late)
        let idle = RabbitInvalidationFlow(outboxes: [outbox], topics: [.product]) {
            RabbitQueueState(name: "invalidate", messages: 0, consumers: 0)
        }
        #expect(try #require(try await idle.delays()[.product]) < .seconds(50))
        _ = try await FakeProductStore(database: late).put([(try #require(ProductID("p")), "a")])
        let waits = try await outbox.backlog(sink: .rabbitmq, limit: 9).oldest
        #expect(try #require(try await idle.delays()[.product]) >= waits)

        let away = RabbitInvalidationFlow(outboxes: [outbox], topics: [.product]) { throw Away() }
        await #expect(throws: Away.self) { try await away.delays() }
        let both = InvalidationFlows([
            idle, RabbitInvalidationFlow(outboxes: [], topics: [.analysis]) { nil },
        ])
        #expect(try await both.delays().keys.map(\.rawValue) == ["product.events"])
    }
}
