import Foundation
import Kafka
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// Which broker private servers include, and what it takes to run Apache Kafka.
@Suite struct BrokerTests {
    private let folder: URL
    private let data: URL

    init() throws {
        folder = try TemporaryFolder.make()
        data = folder.appendingPathComponent("data")
    }

    @Test(.enabled(if: TestBroker.isApacheHere, "KAFKA_HOME names no Kafka"), .timeLimit(.minutes(5)))
    func devKeepsItsEventsInApacheKafka() async throws {
        let settings = try settings()
        var (id, brokers) = ("", "")
        let end = try await DevRun.with(data: data, folder: folder, stoppedBy: SIGTERM, settings: settings) { dev in
            #expect(dev.process.log.contains("events go over Apache Kafka"), "\(dev.process.log)")
            try await dev.shop.addProduct("p", reviews: 5)
            let request = try await dev.shop.submitted("p")
            #expect(try await dev.shop.closed(request).status == "completed")
            (id, brokers) = (request.description, dev.environment["KAFKA_BROKERS"] ?? "")
            #expect(try await told(of: id, on: dev) == ["analysis.requested", "analysis.completed"])
        }
        #expect(end == .status(0))
        #expect(try DevRun.processes(naming: data).isEmpty)
        let again = try await DevRun.with(data: data, folder: folder, stoppedBy: SIGINT, settings: settings) { dev in
            #expect(dev.environment["KAFKA_BROKERS"] == brokers)
            let types = try await told(of: id, on: dev)
            #expect(types == ["analysis.requested", "analysis.completed"])
        }
        #expect(again == .status(0))
        #expect(try DevRun.processes(naming: data).isEmpty)
    }

    @Test(.timeLimit(.minutes(5)))
    func aKafkaThatCannotBeRunIsNamedBeforeAnythingStarts() async throws {
        let empty = folder.appendingPathComponent("empty")
        let libraries = folder.appendingPathComponent("kafka/libs")
        for folder in [empty, libraries] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        try Data().write(to: libraries.appendingPathComponent("kafka_2.13-4.3.1.jar"))
        let kafka = libraries.deletingLastPathComponent().path
        let cases = [
            (["KAFKA_HOME": empty.path], "KAFKA_HOME is \(empty.path), which has no libs/kafka_*.jar"),
            (
                ["KAFKA_HOME": kafka, "PATH": empty.path],
                "java is not installed; install it with: apt-get install openjdk"
            ),
        ]
        for (settings, words) in cases {
            for command in ["dev", "stack"] {
                let process = try TestProcess(
                    [TestProcess.quartetPath(), command, "--data", data.path], environment: settings, folder: folder)
                #expect(try await process.waitForEnd() == .status(1))
                #expect(process.log.contains(words), "\(process.log)")
                #expect(process.log.split(separator: "\n").count == 1, "\(process.log)")
            }
        }
        #expect(!FileManager.default.fileExists(atPath: data.path))
        let two = try TestProcess.quartet(["dev", "--data", data.path, "--kafka-nodes", "2"], folder: folder)
        #expect(try await two.waitForEnd() != .status(0))
        #expect(two.log.contains("--kafka-nodes is 1 or 3"), "\(two.log)")
    }

    @Test(.enabled(if: TestBroker.isApacheHere, "KAFKA_HOME names no Kafka"), .timeLimit(.minutes(5)))
    func topicsAreMadeByMigrateAndLeftAsTheyAre() async throws {
        try await QuartetSystem.withPrivateStack(on: .apache) { stack in
            try await QuartetSystem.run(on: stack, isMigrated: false) { system in
                let greedy = try system.start(["migrate"], settings: ["KAFKA_TOPICS_REPLICAS": "3"])
                #expect(try await greedy.waitForEnd() == .status(1))
                let last = try #require(greedy.log.split(separator: "\n").last)
                #expect(
                    last.contains("kafka.topics.replicas") && last.contains("more than there are brokers"), "\(last)")

                let few = ["KAFKA_TOPICS_PARTITIONS": "2"]
                #expect(try await system.finish(["migrate"], settings: few).contains(/kafka: [0-9]+ applied/))
                #expect(try await system.finish(["migrate"]).contains("kafka: up to date"))
                for topic in [EventTopic.analysis, .product, .user, .alerts].flatMap({ [$0.rawValue, $0.deadLetters] })
                    + ["order.events", "listing.events", "supplier.events", "shop.orders.dlq"]
                {
                    #expect(try await system.stores.partitions(ofTopic: topic) == 2, "\(topic)")
                }
                #expect(try await system.stores.partitions(ofTopic: "shop.orders") == 9)
                let unused = try await system.finish(["migrate"], settings: ["KAFKA_TOPICS_PARTITIONS": "0"])
                #expect(!unused.contains("kafka"))
            }
        }
    }

    /// The types of a request's events, in order.
    private func told(of id: String, on dev: DevRun) async throws -> [String] {
        let stores = try Stores(environment: dev.environment, folder: folder)
        let types = try await eventually("both events are there") { () -> [String]? in
            let records = try await stores.records(of: .analysis).filter { $0.key == Array(id.utf8) }
            let types = records.compactMap { $0.header("ce_type") }.map { String(decoding: $0, as: UTF8.self) }
            return types.count >= 2 ? types : nil
        }
        await stores.close()
        return types
    }

    private func settings() throws -> [String: String] {
        [KafkaHome.variable: try #require(try KafkaHome()).path]
    }
}
