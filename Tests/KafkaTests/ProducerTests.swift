import ClientSupport
import QuartetStack
import QuartetTesting
import Testing

@testable import Kafka

@Suite struct ProducerTests {
    @Test(arguments: TestBroker.present)
    func aRecordArrivesAsItWasSent(_ kind: TestBroker) async throws {
        let cluster = try await TestCluster.shared(kind)
        try await cluster.createTopic("p.whole", partitions: 1)
        let producer = try cluster.makeProducer()
        let sent = [
            KafkaRecord(
                topic: "p.whole", partition: 0, key: [0, 1, 255], value: [1, 0, 2],
                headers: [
                    KafkaHeader("ce_type", "analysis.completed"), KafkaHeader("empty", ""), KafkaHeader("n", [0]),
                ],
                timestampMilliseconds: 1_700_000_000_123),
            KafkaRecord(topic: "p.whole", partition: 0, key: nil, value: nil, timestampMilliseconds: 1),
            KafkaRecord(topic: "p.whole", partition: 0, key: [], value: [], timestampMilliseconds: 2),
        ]
        let deliveries = try await producer.send(sent).map { try $0.get() }
        #expect(deliveries == (0..<3).map { KafkaDelivery(partition: 0, offset: $0) })
        #expect(try await cluster.read("p.whole").map(\.record) == sent)
        await producer.close(deadline: TestCluster.soon)
    }

    @Test(arguments: TestBroker.present)
    func oneKeyStaysInOnePartitionInOrder(_ kind: TestBroker) async throws {
        let cluster = try await TestCluster.shared(kind)
        try await cluster.createTopic("p.keys", partitions: 4)
        let producer = try cluster.makeProducer()
        let records = (0..<2000).map { KafkaRecord("p.keys", "key \($0 % 20)", "\($0 / 20)") }
        for half in [records[..<1000], records[1000...]] {
            for result in try await producer.send(Array(half)) { _ = try result.get() }
        }
        let byKey = Dictionary(grouping: try await cluster.read("p.keys"), by: \.key)
        #expect(byKey.count == 20)
        for records in byKey.values {
            #expect(Set(records.map(\.partition)).count == 1)
            #expect(records.map(\.text) == (0..<100).map(String.init))
        }
        await producer.close(deadline: TestCluster.soon)
    }

    @Test(arguments: TestBroker.present)
    func aKeyGoesWhereTheJavaClientPutsIt(_ kind: TestBroker) async throws {
        let cluster = try await TestCluster.shared(kind)
        try await cluster.createTopic("p.murmur", partitions: 10)
        let producer = try cluster.makeProducer()
        // murmur2("21") = -973932308; without its sign bit modulo 10 that is 0.
        let results = try await producer.send([KafkaRecord("p.murmur", "21", "x")])
        #expect(try results[0].get().partition == Int32((-973_932_308 & 0x7fff_ffff) % 10))
        await producer.close(deadline: TestCluster.soon)
    }

    @Test(arguments: TestBroker.present)
    func eachRecordHasItsOwnResult(_ kind: TestBroker) async throws {
        let cluster = try await TestCluster.shared(kind)
        try await cluster.createTopic("p.mixed", partitions: 1)
        let producer = try cluster.makeProducer()
        let large = KafkaRecord(topic: "p.mixed", value: [UInt8](repeating: 0, count: 1_500_000))
        let results = try await producer.send([
            KafkaRecord("p.mixed", "a", "1"), large, KafkaRecord("p.mixed", "a", "2"),
            KafkaRecord("p.mixed", "a", "3", partition: 17),
        ])
        #expect(try results[0].get().offset == 0)
        #expect(try results[2].get().offset == 1)
        let tooLarge = try #require(throws: KafkaError.self) { try results[1].get() }
        #expect(tooLarge.name == "MSG_SIZE_TOO_LARGE")
        #expect(!tooLarge.mayHaveHappened && !tooLarge.isRetriable && isStoreFailure(tooLarge))
        let nowhere = try #require(throws: KafkaError.self) { try results[3].get() }
        #expect(nowhere.name == "_UNKNOWN_PARTITION" && !nowhere.mayHaveHappened)
        await producer.close(deadline: TestCluster.soon)
    }

    @Test(arguments: TestBroker.present)
    func aFullQueueMakesSendersWaitInOrder(_ kind: TestBroker) async throws {
        let cluster = try await TestCluster.shared(kind)
        try await cluster.createTopic("p.full", partitions: 1)
        let producer = try cluster.makeProducer { $0.queuedRecordsMax = 50 }
        try await withThrowingTaskGroup { group in
            for sender in 0..<4 {
                group.addTask {
                    let records = (0..<500).map { KafkaRecord("p.full", "\(sender)", "\($0)") }
                    for result in try await producer.send(records) { _ = try result.get() }
                }
            }
            try await group.waitForAll()
        }
        let byKey = Dictionary(grouping: try await cluster.read("p.full"), by: \.key)
        #expect(byKey.count == 4)
        for records in byKey.values { #expect(records.map(\.text) == (0..<500).map(String.init)) }
        await producer.close(deadline: TestCluster.soon)
    }

    @Test func aProducerThatFailedForGoodTellsItsSendersAndIsReplaced() async throws {
        try await TestCluster.toHarm(.embedded) { cluster in
            try await cluster.createTopic("t")
            let producer = try cluster.makeProducer()
            await cluster.broker.kill()
            let first = Task { try await producer.send([KafkaRecord("t", "k", "lost")]) }
            let deadline = TestCluster.soon
            while await producer.outstanding == 0, !deadline.isPast { await Task.yield() }
            await producer.raiseFatalError()
            let lost = try await first.value
            let error = try #require(throws: KafkaError.self) { try lost[0].get() }
            #expect(error.isRetriable)
            try await cluster.broker.start()
            #expect(try await producer.deliver([KafkaRecord("t", "k", "kept")])[0].offset == 0)
            #expect(await producer.recreations == 1)
            #expect(try await cluster.read("t").map(\.text) == ["kept"])
            await producer.close(deadline: TestCluster.soon)
        }
    }

    @Test func aClosedProducerRefuses() async throws {
        let producer = try TestCluster.makeProducer(TestCluster.nowhere)
        #expect(await duration { await producer.close(deadline: TestCluster.soon) } < .seconds(30))
        await producer.close(deadline: TestCluster.soon)
        let error = await #expect(throws: KafkaError.self) { try await producer.send([KafkaRecord("t", "k", "v")]) }
        #expect(error?.mayHaveHappened == false)
    }
}

extension KafkaProducer {
    fileprivate func raiseFatalError() {
        handle?.raiseFatalError()
    }
}
