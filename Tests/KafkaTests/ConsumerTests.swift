import ClientSupport
import QuartetTesting
import Testing

@testable import Kafka

@Suite struct ConsumerTests {
    /// The shared broker, with a topic that has so many records.
    private func filled(
        _ kind: TestBroker, _ topic: String, _ count: Int, partitions: Int
    ) async throws -> TestCluster {
        let cluster = try await TestCluster.shared(kind)
        try await cluster.createTopic(topic, partitions: partitions)
        let producer = try cluster.makeProducer()
        try await producer.deliver((0..<count).map { KafkaRecord(topic, "\($0)", "\($0)") })
        await producer.close(deadline: TestCluster.soon)
        return cluster
    }

    @Test(arguments: TestBroker.present)
    func aMemberResumesAfterItsCommitAndSeesTheRestAgain(_ kind: TestBroker) async throws {
        let cluster = try await filled(kind, "c.resume", 10, partitions: 1)
        let first = try cluster.makeMember("c.resume", "c.resume")
        let records = try await first.take(6)
        let commit = try await first.commit(Array(records[..<4]), deadline: TestCluster.soon)
        #expect(commit.stale == 0)
        #expect(commit.committed == [KafkaOffset(KafkaPartition(topic: "c.resume", partition: 0), offset: 4)])
        await first.close(deadline: TestCluster.soon)
        let second = try cluster.makeMember("c.resume", "c.resume")
        #expect(try await second.take(6).map(\.offset) == Array(4..<10))
        await second.close(deadline: TestCluster.soon)
    }

    @Test(arguments: TestBroker.present)
    func whatAGroupHasNotCommittedIsToldToWhoDoesNotJoin(_ kind: TestBroker) async throws {
        let cluster = try await filled(kind, "c.behind", 10, partitions: 1)
        var options = KafkaConsumerOptions(group: "c.behind")
        options.joinsGroup = false
        let observer = try KafkaConsumer(
            cluster.configuration, options: options, logger: TestCluster.logger)
        #expect(try await observer.uncommitted(topic: "c.behind", deadline: TestCluster.soon) == 10)
        let member = try cluster.makeMember("c.behind", "c.behind")
        let records = try await member.take(10)
        _ = try await member.commit(Array(records[..<4]), deadline: TestCluster.soon)
        #expect(try await observer.uncommitted(topic: "c.behind", deadline: TestCluster.soon) == 6)
        _ = try await member.commit(records, deadline: TestCluster.soon)
        #expect(try await observer.uncommitted(topic: "c.behind", deadline: TestCluster.soon) == 0)
        await observer.close(deadline: TestCluster.soon)
        await member.close(deadline: TestCluster.soon)
    }

    @Test(arguments: TestBroker.present)
    func membersShareAndTakeOverPartitionsAndDropStaleCommits(_ kind: TestBroker) async throws {
        let cluster = try await filled(kind, "c.share", 40, partitions: 4)
        let first = try cluster.makeMember("c.share", "c.share")
        let early = try await first.take(40)
        #expect(await first.assignment.count == 4)
        let second = try cluster.makeMember("c.share", "c.share")
        // Both go on polling until both have their share: a member that stops would be thrown out.
        let deadline = TestCluster.soon
        while await (first.assignment.count, second.assignment.count) != (2, 2) {
            try #require(!deadline.isPast)
            async let polled = first.poll(timeout: .milliseconds(50))
            _ = try await second.poll(timeout: .milliseconds(50))
            _ = try await polled
        }
        #expect(await first.assignment.isDisjoint(with: second.assignment))

        let late = try await first.commit(early, deadline: TestCluster.soon)
        #expect(late == KafkaCommit.allStale(40))
        #expect(await first.counters.recordsStale == 40)

        await second.close(deadline: TestCluster.soon)
        // Nothing was committed, so everything comes again.
        var again = try await first.join(until: 4)
        again += try await first.take(40 - again.count)
        #expect(Set(again.map(\.text)) == Set(early.map(\.text)))
        #expect(try await first.commit(again, deadline: TestCluster.soon).committed.count == 4)
        await first.close(deadline: TestCluster.soon)
    }

    @Test(arguments: TestBroker.present)
    func anIdleMemberClosesAtOnceAndItsPollEnds(_ kind: TestBroker) async throws {
        let cluster = try await TestCluster.shared(kind)
        let consumer = try cluster.makeMember("c.idle", "c.idle")
        let poller = Task { try await consumer.poll(timeout: .seconds(60)) }
        let taken = await duration { await consumer.close(deadline: TestCluster.soon) }
        #expect(taken < .seconds(30))
        let error = await #expect(throws: KafkaError.self) { try await poller.value }
        #expect(error?.name == "_DESTROY")
    }

    @Test(arguments: TestBroker.present)
    func aCancelledPollEndsAndLosesNothing(_ kind: TestBroker) async throws {
        let cluster = try await filled(kind, "c.cancel", 3, partitions: 1)
        let consumer = try cluster.makeMember("c.cancel", "c.cancel")
        let poller = Task { try await consumer.poll(timeout: .seconds(60)) }
        poller.cancel()
        await #expect(throws: CancellationError.self) { try await poller.value }
        #expect(try await consumer.take(3).map(\.text) == ["0", "1", "2"])
        await consumer.close(deadline: TestCluster.soon)
    }

    @Test(arguments: TestBroker.present)
    func watermarksTellWhatAPartitionHolds(_ kind: TestBroker) async throws {
        let cluster = try await filled(kind, "c.marks", 7, partitions: 1)
        let reader = try cluster.makeReader()
        let watermarks = try await reader.watermarks(topic: "c.marks", deadline: TestCluster.soon)
        #expect(watermarks.map(\.low) == [0] && watermarks.map(\.high) == [7])
        try await reader.ping(deadline: TestCluster.soon)
        try await reader.assign([KafkaOffset(KafkaPartition(topic: "c.marks", partition: 0), offset: 5)])
        #expect(try await reader.take(2).map(\.text) == ["5", "6"])
        await reader.close(deadline: TestCluster.soon)
    }
}

extension KafkaCommit {
    fileprivate static func allStale(_ count: Int) -> KafkaCommit { KafkaCommit(committed: [], stale: count) }
}
