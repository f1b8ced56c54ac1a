import ClientSupport
import Foundation
import Kafka
import Logging
import QuartetTesting
import Testing

@testable import QuartetStack

@Suite("A private Apache Kafka", .enabled(if: TestBroker.isApacheHere, "KAFKA_HOME names no Kafka"))
struct KafkaBrokerTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("keeps its port and its records over a kill and a new owner")
    func keepsRecords() async throws {
        let folder = try Probe.makeFolder("kafka-keeps")
        let home = try #require(try KafkaHome())
        let broker = KafkaBroker(directory: folder, home: home, options: .fast)
        #expect(broker.summary.contains("Apache Kafka \(home.version), one node"))
        try await broker.start()
        let address = broker.url
        try await send("1", to: address)
        await broker.kill()
        // Both come at once, as a supervisor and a plan may.
        async let one: Void = broker.start()
        async let other: Void = broker.start()
        _ = try await (one, other)
        #expect(broker.url == address)
        try await send("2", to: address)
        let pid = try Probe.pid(of: "kafka", in: folder)
        await broker.stop()
        #expect(!ProcessTable.isAlive(pid))

        let later = KafkaBroker(directory: folder, home: home, options: .fast)
        try await later.start()
        #expect(later.url == address)
        #expect(try await stored(at: address) == 2)
        await later.close()
    }

    @Test("ends with its owner, and its folder is free again")
    func ownerKilled() async throws {
        let folder = try Probe.makeFolder("kafka-orphaned")
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            guard let home = try KafkaHome() else { return }
            try await KafkaBroker(directory: URL(fileURLWithPath: path), home: home, options: .fast).start()
            raise(SIGKILL)
        }
        let pid = try Probe.pid(of: "kafka", in: folder)
        #expect(await Probe.eventually { !ProcessTable.isAlive(pid) }, "kafka outlives its owner")
    }

    private func send(_ text: String, to address: String) async throws {
        let producer = try KafkaProducer(KafkaConfiguration(brokers: [address]), logger: logger)
        let record = KafkaRecord(topic: "t", partition: 0, value: Array(text.utf8))
        for result in try await producer.send([record]) { _ = try result.get() }
        await producer.close(deadline: .after(.seconds(10)))
    }

    private func stored(at address: String) async throws -> Int64 {
        let configuration = KafkaConfiguration(brokers: [address])
        let reader = try KafkaConsumer(configuration, options: KafkaConsumerOptions(), logger: logger)
        let marks = try await reader.watermarks(topic: "t", deadline: .after(.seconds(60)))
        await reader.close(deadline: .after(.seconds(10)))
        return marks.reduce(0) { $0 + $1.high }
    }
}

@Suite("What is written for Java")
struct JavaPropertiesTests {
    @Test("is read as it was meant, whatever the characters are")
    func escapes() {
        let text = JavaProperties.text(["log.dirs": "/it's 내 $data/\u{1F600}\\", "a": "b=c;"])
        #expect(text == "a=b=c;\nlog.dirs=/it's \\ub0b4 $data/\\ud83d\\ude00\\\\\n")
    }
}

@Suite("Where Kafka and its Java are looked for")
struct KafkaHomeTests {
    /// What stands for a distribution of another version, and a Java that does as `script` says.
    private func makeHome(java script: String) throws -> [String: String] {
        let folder = try Probe.makeFolder("kafka-home")
        for name in ["libs", "bin"] {
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
        }
        try Data().write(to: folder.appendingPathComponent("libs/kafka_2.13-9.8.7.jar"))
        let java = folder.appendingPathComponent("bin/java")
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: java)
        chmod(java.path, 0o755)
        return ["KAFKA_HOME": folder.path, "JAVA_HOME": folder.path, "PATH": "/nowhere"]
    }

    @Test("none is named, and so none is run")
    func unset() throws {
        #expect(try KafkaHome(environment: [:]) == nil)
        #expect(try KafkaHome(environment: ["KAFKA_HOME": ""]) == nil)
    }

    @Test("a folder without Kafka is named with what to do")
    func noKafka() throws {
        let folder = try Probe.makeFolder("no-kafka").path
        let error = #expect(throws: StackError.self) { try KafkaHome(environment: ["KAFKA_HOME": folder]) }
        #expect(
            error?.message == "KAFKA_HOME is \(folder), which has no libs/kafka_*.jar; "
                + "set it to the folder of an unpacked Kafka, or unset it for the embedded broker")
    }

    @Test("JAVA_HOME comes first, then the path; without Java it says what to install")
    func noJava() throws {
        var environment = try makeHome(java: "exit 0")
        let home = try #require(try KafkaHome(environment: environment))
        #expect(home.version == "9.8.7")
        #expect(home.java == environment["JAVA_HOME", default: ""] + "/bin/java")
        environment["JAVA_HOME"] = nil
        let error = #expect(throws: StackError.self) { try KafkaHome(environment: environment) }
        #expect(error?.code == .missingProgram)
        #expect(error?.message.contains("apt-get install openjdk-17-jre-headless, or unset KAFKA_HOME") == true)
    }

    @Test("a Java that is too old is called that")
    func oldJava() async throws {
        let said = "Error: LinkageError occurred while loading main class: java.lang.UnsupportedClassVersionError: it"
        let environment = try makeHome(java: "echo '\(said)'; exit 1")
        let home = try #require(try KafkaHome(environment: environment))
        let broker = KafkaBroker(directory: try Probe.makeFolder("old-java"), home: home, options: .fast)
        let error = await #expect(throws: StackError.self) { try await broker.start() }
        #expect(error?.code == .startFailed)
        #expect(error?.message.contains("/bin/java is too old for Kafka 9.8.7; install Java 17 or later") == true)
        #expect(error?.message.contains("\n") == false)
    }

    @Test("of a long log the reason is told")
    func reason() throws {
        let environment = try makeHome(java: "exit 0")
        let home = try #require(try KafkaHome(environment: environment))
        let recipe = KafkaNodeRecipe(
            home: home, id: 1, nodes: 1, ports: { try .free(nodes: 1, listeners: []) }, settings: KafkaNodeSettings(),
            isDurable: true)
        let log = [
            "2026-01-01T00:00:00,000 INFO  starting (kafka.server.KafkaRaftServer)",
            "2026-01-01T00:00:00,000 ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)",
            "java.net.BindException: Address already in use", "\tat java.base/sun.nio.ch.Net.bind0(Native Method)",
        ]
        #expect(recipe.reason(in: log) == "java.net.BindException: Address already in use")
        #expect(recipe.reason(in: Array(log.prefix(2))) == log[1])
    }
}
