import ClientSupport
import Kafka
import QuartetStack
import QuartetTesting
import Testing

/// What clients do while brokers are away. One after the other, since the broker that they harm is shared.
@Suite(.serialized) struct OutageTests {
    @Test(arguments: TestBroker.present)
    func recordsSentDuringAnOutageArriveOnceAndInOrder(_ kind: TestBroker) async throws {
        try await TestCluster.toHarm(kind) { cluster in
            try await cluster.createTopic("o.during")
            let producer = try cluster.makeProducer()
            try await producer.deliver([KafkaRecord("o.during", "k", "0")])
            await cluster.broker.kill()
            async let results = producer.deliver((1...200).map { KafkaRecord("o.during", "k", "\($0)") })
            // The records are with librdkafka and it has failed to connect.
            await #expect(throws: KafkaError.self) { try await producer.ping(deadline: .after(.milliseconds(300))) }
            try await cluster.broker.start()
            _ = try await results
            #expect(try await cluster.read("o.during").map(\.text) == (0...200).map(String.init))
            await producer.close(deadline: TestCluster.soon)
        }
    }

    /// librdkafka sends again what was not answered, with the same sequence numbers. Kafka knows it by them; what stands for it
    /// may store it again.
    @Test(arguments: TestBroker.present)
    func aConnectionCutWhileAnswersAreAwaitedLosesNothing(_ kind: TestBroker) async throws {
        try await TestCluster.toHarm(kind) { cluster in
            try await cluster.createTopic("o.cut")
            let producer = try cluster.makeProducer()
            let isCut = Signal()
            try await withThrowingTaskGroup { group in
                group.addTask {
                    var next = 0
                    while next < 2000 || !isCut.isSet {
                        try await producer.deliver((next..<next + 50).map { KafkaRecord("o.cut", "k", "\($0)") })
                        next += 50
                    }
                    return next
                }
                for _ in 0..<(kind == .embedded ? 3 : 1) {
                    await cluster.broker.kill()
                    await #expect(throws: KafkaError.self) {
                        try await producer.ping(deadline: .after(.milliseconds(100)))
                    }
                    try await cluster.broker.start()
                    try await producer.ping(deadline: TestCluster.soon)
                }
                isCut.set()
                let sent = try await group.next() ?? 0
                let stored = try await cluster.read("o.cut").map(\.text)
                var seen: Set<String> = []
                #expect(stored.filter { seen.insert($0).inserted } == (0..<sent).map(String.init))
                if kind == .apache { #expect(stored.count == sent) }
            }
            await producer.close(deadline: TestCluster.soon)
        }
    }

    @Test(arguments: TestBroker.present)
    func aCommitWithoutACoordinatorEndsAtItsDeadline(_ kind: TestBroker) async throws {
        try await TestCluster.toHarm(kind) { cluster in
            try await cluster.createTopic("c.alone")
            let producer = try cluster.makeProducer()
            try await producer.deliver([KafkaRecord("c.alone", "k", "v")])
            let consumer = try cluster.makeMember("c.alone", "c.alone")
            let records = try await consumer.take(1)
            await cluster.broker.kill()
            let taken = await duration {
                let error = await #expect(throws: KafkaError.self) {
                    try await consumer.commit(records, deadline: .after(.milliseconds(300)))
                }
                #expect(error?.mayHaveHappened == true && error?.isRetriable == true)
            }
            #expect(taken < .seconds(30))
            #expect(await duration { await consumer.close(deadline: .after(.milliseconds(500))) } < .seconds(30))
            await producer.close(deadline: TestCluster.soon)
        }
    }

    @Test func withoutABrokerTheErrorNamesTheAddressInOneLine() async throws {
        let producer = try TestCluster.makeProducer(TestCluster.nowhere) { $0.deliveryTimeout = .seconds(1) }
        var error: KafkaError?
        let taken = try await duration {
            let results = try await producer.send([KafkaRecord("t", "k", "v")])
            error = #expect(throws: KafkaError.self) { try results[0].get() }
        }
        #expect(taken < .seconds(30))
        let failure = try #require(error)
        #expect(failure.name == "_MSG_TIMED_OUT" && failure.isUnavailable && failure.isRetriable)
        #expect(!failure.mayHaveHappened)
        #expect(failure.description.contains("127.0.0.1:1") && failure.description.contains("refused"))
        #expect(!failure.description.contains("\n"))
        let unreachable = await #expect(throws: KafkaError.self) {
            try await producer.ping(deadline: .after(.milliseconds(200)))
        }
        #expect(unreachable?.description.contains("127.0.0.1:1") == true)
        await producer.close(deadline: .after(.seconds(1)))
    }

    @Test func sendersDoNotWaitForAPingThatNobodyAnswers() async throws {
        try await TestCluster.toHarm(.embedded) { cluster in
            try await cluster.createTopic("t")
            let producer = try cluster.makeProducer()
            try await producer.deliver([KafkaRecord("t", "k", "0")])
            await cluster.broker.kill()
            let ping = Task.immediate { try await producer.ping(deadline: .after(.seconds(30))) }
            let results = try await producer.send([KafkaRecord("t", "k", "1")], deadline: .after(.milliseconds(50)))
            #expect(throws: KafkaError.self) { try results[0].get() }
            // Behind the ping this would come too late for it.
            try await cluster.broker.start()
            try await ping.value
            try await producer.flush(deadline: TestCluster.soon)
            await producer.close(deadline: TestCluster.soon)
        }
    }

    @Test func closingDoesNotWaitForAPing() async throws {
        let producer = try TestCluster.makeProducer(TestCluster.nowhere)
        let ping = Task.immediate { try await producer.ping(deadline: .after(.seconds(10))) }
        let taken = await duration { await producer.close(deadline: .after(.milliseconds(200))) }
        #expect(taken < .seconds(9))
        await #expect(throws: KafkaError.self) { try await ping.value }
    }

    @Test func aDeadlineEndsTheWaitForDeliveryAndForSpace() async throws {
        let producer = try TestCluster.makeProducer(TestCluster.nowhere) { $0.queuedRecordsMax = 10 }
        var results: [Result<KafkaDelivery, KafkaError>] = []
        let taken = try await duration {
            results = try await producer.send(
                (0..<12).map { KafkaRecord("t", "k", "\($0)") }, deadline: .after(.milliseconds(300)))
        }
        #expect(taken < .seconds(30))
        let errors = results.compactMap { result -> KafkaError? in
            guard case .failure(let error) = result else { return nil }
            return error
        }
        #expect(errors.map(\.mayHaveHappened) == Array(repeating: true, count: 10) + [false, false])
        #expect(errors.last?.name == "_QUEUE_FULL")
        #expect(await duration { await producer.close(deadline: .after(.zero)) } < .seconds(30))
    }

    @Test func cancellingASenderLeavesDeliveryGoing() async throws {
        try await TestCluster.toHarm(.embedded) { cluster in
            try await cluster.createTopic("t")
            let producer = try cluster.makeProducer()
            await cluster.broker.kill()
            let sender = Task { try await producer.send([KafkaRecord("t", "k", "v")]) }
            let deadline = TestCluster.soon
            while await producer.outstanding == 0, !deadline.isPast { await Task.yield() }
            sender.cancel()
            let error = await #expect(throws: KafkaError.self) { try await sender.value }
            #expect(error?.mayHaveHappened == true)
            try await cluster.broker.start()
            try await producer.flush(deadline: TestCluster.soon)
            #expect(try await cluster.read("t").map(\.text) == ["v"])
            await producer.close(deadline: TestCluster.soon)
        }
    }

    @Test func closingWithRecordsInFlightIsBoundedAndTellsTheirSenders() async throws {
        let producer = try TestCluster.makeProducer(TestCluster.nowhere)
        let sender = Task { try await producer.send([KafkaRecord("t", "k", "v")]) }
        let deadline = TestCluster.soon
        while await producer.outstanding == 0, !deadline.isPast { await Task.yield() }
        let taken = await duration { await producer.close(deadline: .after(.milliseconds(200))) }
        #expect(taken < .seconds(30))
        let results = try await sender.value
        #expect(throws: KafkaError.self) { try results[0].get() }
    }

    @Test(arguments: TestBroker.present)
    func aConsumerOutlivesAnOutage(_ kind: TestBroker) async throws {
        try await TestCluster.toHarm(kind) { cluster in
            try await cluster.createTopic("o.reader")
            let producer = try cluster.makeProducer()
            let consumer = try cluster.makeReader()
            try await consumer.assign([
                KafkaOffset(KafkaPartition(topic: "o.reader", partition: 0), offset: KafkaOffset.earliest)
            ])
            try await producer.deliver([KafkaRecord("o.reader", "k", "before")])
            #expect(try await consumer.take(1).map(\.text) == ["before"])
            await cluster.broker.kill()
            #expect(try await consumer.poll(timeout: .milliseconds(500)).isEmpty)
            try await cluster.broker.start()
            try await producer.deliver([KafkaRecord("o.reader", "k", "after")])
            #expect(try await consumer.take(1).map(\.text) == ["after"])
            await consumer.close(deadline: TestCluster.soon)
            await producer.close(deadline: TestCluster.soon)
        }
    }
}
