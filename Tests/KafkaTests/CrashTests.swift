import ClientSupport
import Kafka
import QuartetStack
import QuartetTesting
import Synchronization
import Testing

extension OutageTests {
    /// Brokers that die, freeze or lose everything under load: what was acknowledged is there, and clients go on by themselves.
    @Suite(.enabled(if: TestBroker.isApacheHere, "KAFKA_HOME names no Kafka"), .timeLimit(.minutes(5)))
    struct CrashTests {}
}

extension OutageTests.CrashTests {
    @Test func aBrokerThatIsKilledAndFrozenLosesNothing() async throws {
        try await TestCluster.toHarm(.apache) { cluster in
            try await cluster.createTopic("x.one", partitions: 2)
            let load = try Load(cluster, topic: "x.one")
            try await load.run {
                await cluster.broker.kill()
                try await cluster.broker.start()
                try await load.goOn()
                await cluster.broker.suspend()
                // Longer than the session of a member, whom nobody can miss meanwhile.
                await load.expectSilence(for: .seconds(4))
                await cluster.broker.resume()
                try await load.goOn()
            }
        }
    }

    @Test func aBrokerThatLostEverythingIsWrittenAndReadAnew() async throws {
        try await TestCluster.toHarm(.apache) { cluster in
            try await cluster.createTopic("x.wiped")
            let producer = try cluster.makeProducer()
            let member = try cluster.makeMember("x.wiped", "x.wiped")
            try await producer.deliver((0..<50).map { KafkaRecord("x.wiped", "k", "\($0)") })
            _ = try await member.commit(try await member.take(50), deadline: TestCluster.soon)
            try await cluster.broker.wipe()
            try await cluster.broker.start()
            try await cluster.createTopic("x.wiped", mayBeThere: true)
            let deadline = TestCluster.soon
            var isDelivered = false
            while !isDelivered, !deadline.isPast {
                let results = try await producer.send([KafkaRecord("x.wiped", "k", "anew")])
                isDelivered = (try? results[0].get()) != nil
            }
            let again = try await member.take(1)
            #expect(again.map(\.text) == ["anew"])
            #expect(try await member.commit(again, deadline: TestCluster.soon).committed.count == 1)
            await member.close(deadline: TestCluster.soon)
            await producer.close(deadline: TestCluster.soon)
        }
    }

    /// Two must have a record, so one may always be away.
    @Test func ofThreeNodesEachMayDieInTurn() async throws {
        let broker = try await TestBroker.apacheKafka(nodes: 3)
        let cluster = TestCluster(kind: .apache, broker: broker)
        try await cluster.createTopic("x.three", partitions: 6)
        let load = try Load(cluster, topic: "x.three")
        try await load.run {
            for node in broker.nodes {
                await node.kill()
                try await load.goOn()
                try await node.start()
                try await load.goOn()
            }
        }
        await broker.close()
    }
}

/// A sender that repeats what failed, as a relay does, and a member that commits what it read, until told to stop.
private final class Load: Sendable {
    private static let batch = 20

    private let topic: String
    private let cluster: TestCluster
    private let producer: KafkaProducer
    private let member: KafkaConsumer
    private let shallStop = Signal()
    private let hasSent = Signal()
    private let sent = Atomic(0)
    private let read = Mutex<[String]>([])

    init(_ cluster: TestCluster, topic: String) throws {
        self.topic = topic
        self.cluster = cluster
        // Steady, and not as much as the machine can do.
        producer = try cluster.makeProducer { $0.linger = .milliseconds(10) }
        member = try cluster.makeMember(topic, topic) { $0.sessionTimeout = .seconds(6) }
    }

    /// Runs `body` meanwhile. Then what was acknowledged is there, in order, and was read.
    func run(_ body: () async throws -> Void) async throws {
        async let sending: Void = send()
        async let reading: Void = consume()
        do {
            try await goOn()
            try await body()
        } catch {
            shallStop.set()
            _ = try await (sending, reading)
            throw error
        }
        shallStop.set()
        _ = try await (sending, reading)
        let stored = try await cluster.read(topic)
        let recreations = await producer.recreations
        let count = sent.load(ordering: .acquiring)
        print("\(topic): \(count) sent, \(stored.count) stored, \(recreations) new producers")
        for records in Dictionary(grouping: stored, by: \.partition).values {
            var seen: Set<Int> = []
            let first = records.compactMap { Int($0.text) }.filter { seen.insert($0).inserted }
            #expect(first == first.sorted(), "what was sent later stands before")
        }
        #expect(Set(stored.map(\.text)) == Set((0..<count).map(String.init)))
        #expect(Set(read.withLock { $0 }) == Set(stored.map(\.text)))
        // Repeated is what a producer that failed for good may have left behind.
        if recreations == 0 { #expect(stored.count == count) }
        await member.close(deadline: TestCluster.soon)
        await producer.close(deadline: TestCluster.soon)
    }

    /// Waits until more is sent and read.
    func goOn() async throws {
        let before = (sent.load(ordering: .acquiring), read.withLock { $0.count })
        let deadline = TestCluster.soon
        while !deadline.isPast {
            let now = (sent.load(ordering: .acquiring), read.withLock { $0.count })
            if now.0 >= before.0 + 5 * Self.batch, now.1 > before.1 { return }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(20)))
        }
        Issue.record("\(topic): nothing goes on")
    }

    /// Nobody answers for so long.
    func expectSilence(for duration: Duration) async {
        await #expect(throws: KafkaError.self) { try await producer.ping(deadline: .after(duration)) }
    }

    private func send() async throws {
        defer { hasSent.set() }
        while !shallStop.isSet {
            let first = sent.load(ordering: .acquiring)
            let records = (first..<first + Self.batch).map { KafkaRecord(topic, "\($0 % 7)", "\($0)") }
            let deadline = TestCluster.soon
            while true {
                let failures = try await producer.send(records).compactMap { result -> KafkaError? in
                    guard case .failure(let error) = result else { return nil }
                    return error
                }
                guard let failure = failures.first else { break }
                guard failure.isRetriable, !deadline.isPast else { throw failure }
            }
            sent.store(first + Self.batch, ordering: .releasing)
        }
    }

    private func consume() async throws {
        let deadline = Deadline.after(.seconds(240))
        while !deadline.isPast {
            let isOver = hasSent.isSet && Set(read.withLock { $0 }).count >= sent.load(ordering: .acquiring)
            if isOver { return }
            let records = try await member.poll(timeout: .milliseconds(100))
            read.withLock { $0 += records.map(\.text) }
            // A coordinator that is away is asked again with the next records.
            if !records.isEmpty { _ = try? await member.commit(records, deadline: .after(.seconds(5))) }
        }
    }
}
