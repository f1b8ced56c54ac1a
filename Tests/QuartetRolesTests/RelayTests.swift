import Foundation
import QuartetCore
import QuartetRoles
import QuartetTesting
import Synchronization
import Testing

@Suite struct RelayTests {
    @Test func requestsReachTheQueueOnce() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        let ids = [try await system.submit(), try await system.submit()]
        #expect(try await system.queue.depth().claimable == 2)
        let claims = try await system.queue.claim(limit: 9, worker: "w", leaseDuration: .seconds(10))
        #expect(Set(claims.map(\.task.requestID)) == Set(ids))
    }

    @Test func aDeliveryThatFailedIsMadeAgain() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        _ = try await system.requests.submit([Submission(id: .make(), productID: system.product)])
        let relay = system.relay(system.queueDelivery)
        try await relay.holdShards()
        system.queue.failNext(.enqueue, with: Away(mayHaveHappened: true), tookEffect: true)
        await #expect(throws: Away.self) { try await relay.runOnce() }
        while try await relay.runOnce() > 0 {}
        #expect(try await system.queue.depth().claimable == 1)
    }

    @Test func onlyTheOwnerOfAShardMovesItsCursor() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        _ = try await system.requests.submit([Submission(id: .make(), productID: system.product)])
        let stranger = Relay(
            database: "fake", configuration: Live(RelayConfiguration()), outbox: system.outbox,
            delivery: TopicDelivery(publisher: system.events), logger: system.logger)
        #expect(try await stranger.runOnce() == 0)
        try await system.relay(TopicDelivery(publisher: system.events)).holdShards()
        #expect(try await stranger.runOnce() == 0)
    }

    @Test func aBoardThatIsAwayDoesNotStopTheQueue() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        system.progress.failNext(.ring, with: Away())
        _ = try await system.submit()
        #expect(try await system.queue.depth().claimable == 1)
    }

    @Test func eventsArePublishedInOrderPerAggregate() async throws {
        let system = FakeSystem()
        try await system.addReviews(2)
        let id = try await system.submit()
        _ = try await system.worker().runOnce()
        let relay = system.relay(TopicDelivery(publisher: system.events))
        try await relay.holdShards()
        while try await relay.runOnce() > 0 {}
        let subscription = system.events.subscribe(group: "g", to: [.analysis])
        let events = try await subscription.next(limit: 10, timeout: .zero).compactMap { try? $0.event.get() }
        #expect(
            events.filter { $0.aggregateID == id.description }.map(\.type) == [.analysisRequested, .analysisCompleted])
    }
}

/// Several relays of one outbox.
@Suite(.timeLimit(.minutes(2))) struct RelayShareTests {
    /// One that its sink answers only when it may.
    private final class Reachable: EventPublisher {
        let base: FakeEventStream
        private let isThere = Mutex(false)
        private let published = Mutex(false)

        init(base: FakeEventStream) { self.base = base }

        func heal() { isThere.withLock { $0 = true } }
        var hasPublished: Bool { published.withLock { $0 } }

        private func check() throws { guard isThere.withLock({ $0 }) else { throw Away() } }

        func publish(_ events: [DomainEvent]) async throws {
            try check()
            try await base.publish(events)
            published.withLock { $0 = true }
        }

        func topicsWithLostLogs() async throws -> Set<EventTopic> {
            try check()
            return []
        }
    }

    @Test func whatOneCannotDeliverAnotherDoes() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        var configuration = RelayConfiguration()
        configuration.leaseDuration = .milliseconds(300)
        let cutOff = Reachable(base: system.events)
        let relays = [cutOff as any EventPublisher, system.events].map { publisher in
            Relay(
                database: "fake", configuration: Live(configuration), outbox: system.outbox,
                delivery: TopicDelivery(publisher: publisher), logger: system.logger)
        }
        let running = relays.map { relay in Task { try await relay.run() } }
        let subscription = system.events.subscribe(group: "g", to: [.analysis])
        func submitAndSee(_ count: Int) async throws {
            _ = try await system.requests.submit(
                (0..<count).map { _ in Submission(id: .make(), productID: system.product) })
            var seen: Set<String> = []
            while seen.count < count {
                for delivery in try await subscription.next(limit: 100, timeout: .seconds(20)) {
                    seen.insert(try delivery.event.get().aggregateID)
                }
            }
        }
        try await submitAndSee(100)
        // It has its share again once it can do something with it.
        cutOff.heal()
        while !cutOff.hasPublished { try await submitAndSee(20) }
        for task in running {
            task.cancel()
            try await task.value
        }
    }
}

@Suite struct ReplayTests {
    @Test func whatAWipedBrokerHadIsPublishedAgain() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        let id = try await system.submit()
        _ = try await system.worker().runOnce()
        var configuration = RelayConfiguration()
        configuration.reportInterval = .milliseconds(1)
        let relay = Relay(
            database: "fake", configuration: Live(configuration), outbox: system.outbox,
            delivery: TopicDelivery(publisher: system.events), logger: system.logger)
        let running = Task { try await relay.run() }
        func told(_ group: String) async throws -> [EventType] {
            let subscription = system.events.subscribe(group: group, to: [.analysis])
            var types: [EventType] = []
            while types.count < 2 {
                types += try await subscription.next(limit: 10, timeout: .seconds(20)).compactMap { delivery in
                    guard let event = try? delivery.event.get(), event.aggregateID == id.description else { return nil }
                    return event.type
                }
            }
            await subscription.close()
            return types
        }
        #expect(try await told("before") == [.analysisRequested, .analysisCompleted])
        system.events.loseLogs()
        #expect(try await told("after") == [.analysisRequested, .analysisCompleted])
        running.cancel()
        try await running.value
    }

    @Test func onlyWhatIsWantedIsHandedOffAgain() async throws {
        let system = FakeSystem()
        try await system.addReviews(1)
        let ids = [try await system.submit(), try await system.submit()]
        let replay = OutboxReplay(outbox: system.outbox, delivery: TopicDelivery(publisher: system.events))
        #expect(try await replay.run { $0.aggregateID == ids[1].description } == 1)
        let subscription = system.events.subscribe(group: "g", to: EventTopic.allCases)
        let events = try await subscription.next(limit: 10, timeout: .zero).map { try $0.event.get() }
        #expect(events.map(\.aggregateID) == [ids[1].description])
        let all = OutboxReplay(outbox: system.outbox, delivery: system.queueDelivery)
        #expect(try await all.run { _ in true } == 2)
    }
}

@Suite struct InvalidationTests {
    private func role(_ system: FakeSystem) -> EventConsumer<InvalidationHandler> {
        EventConsumer(
            configuration: EventConsumerConfiguration(), handler: InvalidationHandler(cache: system.cache),
            logger: system.logger
        ) {
            system.events.subscribe(group: "invalidate", to: [.analysis, .product])
        }
    }

    private func completed(_ system: FakeSystem, version: Int64) -> DomainEvent {
        DomainEvent(
            id: "e-\(version)", type: .analysisCompleted, aggregateID: RequestID.make().description, version: 2,
            payload: CompletionPayload(productID: system.product, generation: 1, resultVersion: version).json,
            occurredAt: Date(timeIntervalSince1970: 0))
    }

    @Test func aNewResultRemovesTheOldEntryAndKeepsItOut() async throws {
        let system = FakeSystem()
        let key = CacheKey.analysis(system.product)
        #expect(try await system.cache.put(CacheEntry(version: 1, value: [1]), at: key))
        let subscription = system.events.subscribe(group: "invalidate", to: [.analysis, .product])
        try await system.events.publish([completed(system, version: 2)])
        #expect(try await role(system).runOnce(subscription) == 1)
        #expect(try await system.cache.get(key) == nil)
        #expect(try await system.cache.put(CacheEntry(version: 1, value: [1]), at: key) == false)
        #expect(try await system.cache.put(CacheEntry(version: 2, value: [2]), at: key))
    }

    @Test func anEventThatComesLateDoesNotRemoveANewerEntry() async throws {
        let system = FakeSystem()
        let key = CacheKey.analysis(system.product)
        _ = try await system.cache.put(CacheEntry(version: 5, value: [5]), at: key)
        let subscription = system.events.subscribe(group: "invalidate", to: [.analysis, .product])
        try await system.events.publish([completed(system, version: 4)])
        _ = try await role(system).runOnce(subscription)
        #expect(try await system.cache.get(key)?.version == 5)
    }

    @Test func workThatFailedIsNotCommitted() async throws {
        let system = FakeSystem()
        var subscription = system.events.subscribe(group: "invalidate", to: [.analysis, .product])
        try await system.events.publish([completed(system, version: 2)])
        system.cache.failNext(.invalidate, with: CancellationError())
        await #expect(throws: CancellationError.self) { try await role(system).runOnce(subscription) }
        await subscription.close()
        subscription = system.events.subscribe(group: "invalidate", to: [.analysis, .product])
        #expect(try await role(system).runOnce(subscription) == 1)
    }

    @Test func aCacheThatIsAwayForAMomentIsWaitedFor() async throws {
        let system = FakeSystem()
        let key = CacheKey.analysis(system.product)
        _ = try await system.cache.put(CacheEntry(version: 1, value: [1]), at: key)
        let subscription = system.events.subscribe(group: "invalidate", to: [.analysis, .product])
        try await system.events.publish([completed(system, version: 2)])
        for _ in 0..<2 { system.cache.failNext(.invalidate, with: Away()) }
        #expect(try await role(system).runOnce(subscription) == 1)
        #expect(try await system.cache.get(key) == nil)
        await subscription.close()
        let next = system.events.subscribe(group: "invalidate", to: [.analysis, .product])
        #expect(try await next.next(limit: 10, timeout: .zero).isEmpty)
    }

    @Test func bytesThatAreNoEventArePutAside() async throws {
        let system = FakeSystem()
        let subscription = system.events.subscribe(group: "invalidate", to: [.analysis, .product])
        system.events.publishPoison([0xFF], key: [1], to: .analysis)
        try await system.events.publish([completed(system, version: 2)])
        var seen = 0
        while seen < 2 { seen += try await role(system).runOnce(subscription) }
        #expect(system.events.deadLetters(of: .analysis).map(\.value) == [[0xFF]])
    }
}
