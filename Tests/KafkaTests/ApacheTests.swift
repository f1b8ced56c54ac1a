import ClientSupport
import Foundation
import QuartetTesting
import Testing

@testable import Kafka
@testable import QuartetStack

/// What only Apache Kafka shows.
@Suite(.enabled(if: TestBroker.isApacheHere, "KAFKA_HOME names no Kafka"))
struct ApacheTests {
    @Test func topicsAreMadeAsAskedAndLeftAsTheyAre() async throws {
        let cluster = try await TestCluster.shared(.apache)
        let admin = try KafkaAdmin(cluster.configuration, logger: TestCluster.logger)
        let topic = KafkaTopic("a.made", partitions: 3, settings: ["retention.ms": "3600000"])
        let copies = KafkaTopic("a.copies", partitions: 1, replicas: 3)
        let unknown = KafkaTopic("a.unknown", partitions: 1, settings: ["retention": "1"])
        let outcomes = try await admin.make([topic, copies, unknown], deadline: TestCluster.soon)
        #expect(outcomes["a.made"] == .made)
        #expect(refusal(outcomes["a.copies"])?.name == "INVALID_REPLICATION_FACTOR")
        #expect(refusal(outcomes["a.unknown"])?.name == "INVALID_CONFIG")
        let other = KafkaTopic("a.made", partitions: 5)
        #expect(try await admin.make([other], deadline: TestCluster.soon) == ["a.made": .wasThere])
        let deadline = TestCluster.soon
        var names: Set<String> = []
        while !names.contains("a.made"), !deadline.isPast { names = try await admin.topics(deadline: deadline) }
        #expect(names.contains("a.made") && !names.contains("a.copies"))

        let said = try await cluster.topicTool("--describe", "--topic", "a.made")
        #expect(said.contains("PartitionCount: 3") && said.contains("retention.ms=3600000"), "\(said)")
    }

    private func refusal(_ outcome: KafkaTopicOutcome?) -> KafkaError? {
        guard case .refused(let error) = outcome else { return nil }
        return error
    }

    @Test func partitionsThatAreAddedUnderLoadAreWrittenAndRead() async throws {
        let cluster = try await TestCluster.shared(.apache)
        try await cluster.createTopic("a.grown")
        let producer = try cluster.makeProducer()
        let member = try cluster.makeMember("a.grown", "a.grown")
        try await producer.deliver([KafkaRecord("a.grown", "0", "0")])
        var read = Set(try await member.take(1).map(\.text))
        let isKnown = Signal()
        let sending = Task {
            var count = 1
            while !isKnown.isSet {
                let records = (count..<count + 20).map { KafkaRecord("a.grown", "\($0)", "\($0)") }
                if try await producer.deliver(records).contains(where: { $0.partition > 0 }) { isKnown.set() }
                count += 20
            }
            return count
        }
        _ = try await cluster.topicTool("--alter", "--topic", "a.grown", "--partitions", "3")
        let sent = try await sending.value
        let deadline = TestCluster.soon
        while read.count < sent, !deadline.isPast {
            // Nothing is committed, so each rebalance has all read again.
            read.formUnion(try await member.poll(timeout: .milliseconds(200)).map(\.text))
        }
        #expect(read == Set((0..<sent).map(String.init)))
        #expect(await member.assignment.count == 3)
        await member.close(deadline: TestCluster.soon)
        await producer.close(deadline: TestCluster.soon)
    }

    @Test func aRecordThatItsTopicDoesNotTakeIsRefusedAlone() async throws {
        let cluster = try await TestCluster.shared(.apache)
        try await cluster.createTopic("a.small", settings: ["max.message.bytes": "10000"])
        let producer = try cluster.makeProducer { $0.compression = .none }
        let large = KafkaRecord(topic: "a.small", value: [UInt8](repeating: 7, count: 20_000))
        let result = try await producer.send([large])[0]
        let error = #expect(throws: KafkaError.self) { try result.get() }
        #expect(error?.saysThatItIsTooLarge == true && error?.isRetriable == false && error?.mayHaveHappened == false)
        #expect(try await producer.deliver([KafkaRecord("a.small", "k", "v")])[0].offset == 0)
        #expect(await producer.recreations == 0)
        await producer.close(deadline: TestCluster.soon)
    }

    /// A topic's limit is for what goes together.
    @Test func recordsArriveThatTheirTopicDoesNotTakeTogether() async throws {
        let cluster = try await TestCluster.shared(.apache)
        try await cluster.createTopic("a.tight", settings: ["max.message.bytes": "10000"])
        let producer = try cluster.makeProducer { $0.compression = .none }
        let large = KafkaRecord(topic: "a.tight", key: [1], value: [UInt8](repeating: 7, count: 20_000))
        let small = (0..<200).map { KafkaRecord("a.tight", "k", "\($0)" + String(repeating: " ", count: 300)) }
        let all = small[..<100] + [large] + small[100...]
        var attempts = 0
        while true {
            // As a relay does: all of it again.
            let results = try await producer.send(Array(all))
            attempts += 1
            let errors = results.compactMap { result -> KafkaError? in
                guard case .failure(let error) = result else { return nil }
                return error
            }
            #expect(!errors.contains { !$0.saysThatItIsTooLarge })
            if errors.count == 1, case .failure(let error) = results[100] {
                #expect(!error.isRetriable)
                break
            }
            try #require(attempts < 10 && errors.contains(where: \.isRetriable))
        }
        var seen: Set<String> = []
        let stored = try await cluster.read("a.tight").map { String($0.text.prefix { $0 != " " }) }
        #expect(stored.suffix(200) == (0..<200).map(String.init))
        #expect(stored.filter { seen.insert($0).inserted }.count == 200)
        await producer.close(deadline: TestCluster.soon)
    }

    @Test func aPositionThatIsGoneIsWhereTheOptionsSay() async throws {
        let cluster = try await TestCluster.shared(.apache)
        try await cluster.createTopic("a.range")
        let producer = try cluster.makeProducer()
        try await producer.deliver((0..<3).map { KafkaRecord("a.range", "k", "\($0)") })
        let beyond = [KafkaOffset(KafkaPartition(topic: "a.range", partition: 0), offset: 1000)]
        let forgiving = try cluster.makeReader()
        try await forgiving.assign(beyond)
        #expect(try await forgiving.take(3).map(\.text) == ["0", "1", "2"])
        await forgiving.close(deadline: TestCluster.soon)
        let strict = try cluster.makeReader { $0.offsetReset = .error }
        try await strict.assign(beyond)
        let error = await #expect(throws: KafkaError.self) { try await strict.poll(timeout: .seconds(30)) }
        #expect(error?.name == "_AUTO_OFFSET_RESET")
        await strict.close(deadline: TestCluster.soon)
        await producer.close(deadline: TestCluster.soon)
    }

    @Test func whoKeepsAPartitionInACooperativeRebalanceMayCommitIt() async throws {
        let cluster = try await TestCluster.shared(.apache)
        try await cluster.createTopic("a.sticky", partitions: 4)
        let producer = try cluster.makeProducer()
        try await producer.deliver((0..<40).map { KafkaRecord("a.sticky", "\($0)", "\($0)", partition: $0 % 4) })
        func member() throws -> KafkaConsumer {
            try cluster.makeMember("a.sticky", "a.sticky") {
                $0.properties["partition.assignment.strategy"] = "cooperative-sticky"
            }
        }
        let first = try member()
        let records = try await first.take(40)
        let second = try member()
        let deadline = TestCluster.soon
        while await (first.assignment.count, second.assignment.count) != (2, 2) {
            try #require(!deadline.isPast)
            async let polled = first.poll(timeout: .milliseconds(50))
            _ = try await second.poll(timeout: .milliseconds(50))
            _ = try await polled
        }
        let commit = try await first.commit(records, deadline: TestCluster.soon)
        #expect(Set(commit.committed.map(\.position)) == (await first.assignment))
        #expect(commit.stale == 20)
        await first.close(deadline: TestCluster.soon)
        await second.close(deadline: TestCluster.soon)
        await producer.close(deadline: TestCluster.soon)
    }
}

extension TestCluster {
    /// Runs Kafka's own tool for topics and returns what it says.
    func topicTool(_ arguments: String...) async throws -> String {
        let home = try #require(try KafkaHome())
        let log = try TemporaryFolder.make().appendingPathComponent("tool.log")
        let tool = home.command(
            "org.apache.kafka.tools.TopicCommand", options: ["-XX:TieredStopAtLevel=1"],
            ["--bootstrap-server", broker.url] + arguments)
        let isDone = try await ServerCommand.run(tool, log: log)
        let said = try String(contentsOf: log, encoding: .utf8)
        try #require(isDone, "\(said)")
        return said
    }
}
