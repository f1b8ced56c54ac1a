import ClientSupport
import Foundation
import QuartetTesting
import Synchronization
import Testing

@testable import Kafka

@Suite struct LagTests {
    @Test(arguments: TestBroker.present)
    func aConsumerTellsHowFarItsGroupIsBehind(_ kind: TestBroker) async throws {
        let cluster = try await TestCluster.shared(kind)
        try await cluster.createTopic("l.behind", partitions: 2)
        let producer = try cluster.makeProducer()
        try await producer.deliver((0..<10).map { KafkaRecord("l.behind", "k", "\($0)", partition: 0) })
        let told = Told()
        let member = try cluster.makeMember("l.behind", "l.behind") {
            $0.lagInterval = .milliseconds(100)
            $0.onLag = told.take
        }
        let records = try await member.take(10)
        try await told.wait(for: ["0": 10, "1": 0], by: member)
        _ = try await member.commit(Array(records[..<4]), deadline: TestCluster.soon)
        try await told.wait(for: ["0": 6, "1": 0], by: member)
        try await producer.deliver([KafkaRecord("l.behind", "k", "new", partition: 1)])
        try await told.wait(for: ["0": 6, "1": 1], by: member)
        await member.close(deadline: TestCluster.soon)
        #expect(told.last == [:])

        // Who comes later knows it before anything is committed again.
        let later = try cluster.makeMember("l.behind", "l.behind") {
            $0.lagInterval = .milliseconds(100)
            $0.onLag = told.take
        }
        try await told.wait(for: ["0": 6, "1": 1], by: later)
        await later.close(deadline: TestCluster.soon)
        await producer.close(deadline: TestCluster.soon)
    }

    @Test func statisticsOfAPartitionThatNobodyHasAskedForTellNothing() throws {
        let text = """
            {"topics": {"t": {"partitions": {
                "0": {"partition": 0, "committed_offset": -1001, "lo_offset": 5, "hi_offset": 9},
                "1": {"partition": 1, "committed_offset": 12, "lo_offset": -1001, "hi_offset": 9},
                "-1": {"partition": -1, "committed_offset": -1001, "lo_offset": -1001, "hi_offset": -1001}}}}}
            """
        let lag = try JSONDecoder().decode(ConsumerLag.self, from: Data(text.utf8))
        let expected: [(Int32, Int64)] = [(0, 4), (1, 0)]
        #expect(
            lag.records
                == Dictionary(
                    uniqueKeysWithValues: expected.map { (KafkaPartition(topic: "t", partition: $0.0), $0.1) }))
    }

    /// What a consumer said last.
    private final class Told: Sendable {
        private let lags = Mutex<[String: Int64]>([:])

        var last: [String: Int64] { lags.withLock { $0 } }

        @Sendable func take(_ lags: [KafkaPartition: Int64]) {
            let byNumber = lags.map { ("\($0.key.partition)", $0.value) }
            self.lags.withLock { $0 = Dictionary(uniqueKeysWithValues: byNumber) }
        }

        func wait(for expected: [String: Int64], by consumer: KafkaConsumer) async throws {
            let deadline = TestCluster.soon
            while last != expected, !deadline.isPast { _ = try await consumer.poll(timeout: .milliseconds(50)) }
            try #require(last == expected)
        }
    }
}
