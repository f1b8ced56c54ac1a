import ClientSupport
import Kafka
import Testing

/// What clients do while brokers are away; each test harms a cluster of its own.
@Suite struct OutageTests {
    @Test func recordsSentDuringAnOutageArriveOnceAndInOrder() async throws {
        let cluster = try TestCluster.start()
        try await cluster.createTopic("t", partitions: 1)
        let configuration = KafkaConfiguration(brokers: cluster.bootstrapServers)
        let producer = try TestCluster.makeProducer(configuration)
        _ = try await producer.send([KafkaRecord("t", "k", "0")])
        try await cluster.brokerDown(1)
        async let results = producer.send((1...200).map { KafkaRecord("t", "k", "\($0)") })
        // The records are with librdkafka and it has failed to connect.
        await #expect(throws: KafkaError.self) { try await producer.ping(deadline: .after(.milliseconds(300))) }
        try await cluster.brokerUp(1)
        for result in try await results { _ = try result.get() }
        #expect(try await TestCluster.read("t", configuration).map(\.text) == (0...200).map(String.init))
        await producer.close(deadline: TestCluster.soon)
        await cluster.stop()
    }

    /// librdkafka sends again what was not answered, with the same sequence numbers. A broker knows it by them; the one that
    /// stands for it here may store it again.
    @Test func aConnectionCutWhileAnswersAreAwaitedLosesNothing() async throws {
        let cluster = try TestCluster.start()
        try await cluster.createTopic("t", partitions: 1)
        let configuration = KafkaConfiguration(brokers: cluster.bootstrapServers)
        let producer = try TestCluster.makeProducer(configuration)
        try await withThrowingTaskGroup { group in
            group.addTask {
                for round in 0..<40 {
                    let records = (0..<50).map { KafkaRecord("t", "k", "\(round * 50 + $0)") }
                    for result in try await producer.send(records) { _ = try result.get() }
                }
            }
            for _ in 0..<3 {
                try await cluster.brokerDown(1)
                await #expect(throws: KafkaError.self) { try await producer.ping(deadline: .after(.milliseconds(100))) }
                try await cluster.brokerUp(1)
                try await producer.ping(deadline: TestCluster.soon)
            }
            try await group.waitForAll()
        }
        var seen: Set<String> = []
        let first = try await TestCluster.read("t", configuration).map(\.text).filter { seen.insert($0).inserted }
        #expect(first == (0..<2000).map(String.init))
        await producer.close(deadline: TestCluster.soon)
        await cluster.stop()
    }

    @Test func withoutABrokerTheErrorNamesTheAddressInOneLine() async throws {
        let configuration = KafkaConfiguration(brokers: ["127.0.0.1:1"])
        let producer = try TestCluster.makeProducer(configuration) { $0.deliveryTimeout = .seconds(1) }
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
        let cluster = try TestCluster.start()
        try await cluster.createTopic("t", partitions: 1)
        let producer = try TestCluster.makeProducer(KafkaConfiguration(brokers: cluster.bootstrapServers))
        _ = try await producer.send([KafkaRecord("t", "k", "0")])
        try await cluster.brokerDown(1)
        let ping = Task.immediate { try await producer.ping(deadline: .after(.seconds(30))) }
        let results = try await producer.send([KafkaRecord("t", "k", "1")], deadline: .after(.milliseconds(50)))
        #expect(throws: KafkaError.self) { try results[0].get() }
        // Behind the ping this would come too late for it.
        try await cluster.brokerUp(1)
        try await ping.value
        try await producer.flush(deadline: TestCluster.soon)
        await producer.close(deadline: TestCluster.soon)
        await cluster.stop()
    }

    @Test func closingDoesNotWaitForAPing() async throws {
        let producer = try TestCluster.makeProducer(KafkaConfiguration(brokers: ["127.0.0.1:1"]))
        let ping = Task.immediate { try await producer.ping(deadline: .after(.seconds(10))) }
        #expect(await duration { await producer.close(deadline: .after(.milliseconds(100))) } < .seconds(8))
        await #expect(throws: KafkaError.self) { try await ping.value }
    }

    @Test func aDeadlineEndsTheWaitForDeliveryAndForSpace() async throws {
        let configuration = KafkaConfiguration(brokers: ["127.0.0.1:1"])
        let producer = try TestCluster.makeProducer(configuration) { $0.queuedRecordsMax = 10 }
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
        let cluster = try TestCluster.start()
        try await cluster.createTopic("t", partitions: 1)
        let configuration = KafkaConfiguration(brokers: cluster.bootstrapServers)
        let producer = try TestCluster.makeProducer(configuration)
        try await cluster.brokerDown(1)
        let sender = Task { try await producer.send([KafkaRecord("t", "k", "v")]) }
        let deadline = TestCluster.soon
        while await producer.outstanding == 0, !deadline.isPast { await Task.yield() }
        sender.cancel()
        let error = await #expect(throws: KafkaError.self) { try await sender.value }
        #expect(error?.mayHaveHappened == true)
        try await cluster.brokerUp(1)
        try await producer.flush(deadline: TestCluster.soon)
        #expect(try await TestCluster.read("t", configuration).map(\.text) == ["v"])
        await producer.close(deadline: TestCluster.soon)
        await cluster.stop()
    }

    @Test func closingWithRecordsInFlightIsBoundedAndTellsTheirSenders() async throws {
        let configuration = KafkaConfiguration(brokers: ["127.0.0.1:1"])
        let producer = try TestCluster.makeProducer(configuration)
        let sender = Task { try await producer.send([KafkaRecord("t", "k", "v")]) }
        let deadline = TestCluster.soon
        while await producer.outstanding == 0, !deadline.isPast { await Task.yield() }
        let taken = await duration { await producer.close(deadline: .after(.milliseconds(200))) }
        #expect(taken < .seconds(30))
        let results = try await sender.value
        #expect(throws: KafkaError.self) { try results[0].get() }
    }

    @Test func aConsumerOutlivesAnOutage() async throws {
        let cluster = try TestCluster.start()
        try await cluster.createTopic("t", partitions: 1)
        let configuration = KafkaConfiguration(brokers: cluster.bootstrapServers)
        let producer = try TestCluster.makeProducer(configuration)
        var options = KafkaConsumerOptions()
        options.fetchWaitMax = .milliseconds(20)
        let consumer = try KafkaConsumer(configuration, options: options, logger: TestCluster.logger)
        try await consumer.assign([KafkaOffset(KafkaPartition(topic: "t", partition: 0), offset: KafkaOffset.earliest)])
        _ = try await producer.send([KafkaRecord("t", "k", "before")])
        #expect(try await consumer.take(1).map(\.text) == ["before"])
        try await cluster.brokerDown(1)
        #expect(try await consumer.poll(timeout: .milliseconds(500)).isEmpty)
        try await cluster.brokerUp(1)
        _ = try await producer.send([KafkaRecord("t", "k", "after")])
        #expect(try await consumer.take(1).map(\.text) == ["after"])
        await consumer.close(deadline: TestCluster.soon)
        await producer.close(deadline: TestCluster.soon)
        await cluster.stop()
    }
}
