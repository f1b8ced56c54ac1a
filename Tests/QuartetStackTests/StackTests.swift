import ClientSupport
import Foundation
import Kafka
import Logging
import QuartetTesting
import Testing

@testable import QuartetStack

@Suite("A stack of all four")
struct StackTests {
    @Test("two run side by side, in folders and on ports of their own, and end without a trace")
    func sideBySide() async throws {
        let shared = try await TestStack.shared
        let folder = try Probe.makeFolder("second")
        let second = try await LocalStack.start(directory: folder, options: .fast)
        #expect(
            Set(shared.environment.keys) == [
                "SOURCE_DATABASE_URL", "DROPSHIP_DATABASE_URL", "MARKET_DATABASE_URL", "REDIS_URL", "MONGODB_URL",
                "KAFKA_BROKERS", "KAFKA_TOPICS_PARTITIONS", "KAFKA_FETCH_WAIT",
            ])
        for (name, value) in shared.environment where shared.kafka.settings[name] == nil {
            #expect(second.environment[name] != value)
        }
        for database in ["source", "dropship", "market"] {
            #expect(try Probe.sql("SELECT current_database()", on: second.postgres, database: database) == [database])
        }

        let error = await #expect(throws: StackError.self) {
            _ = try await LocalStack.start(directory: folder, options: .fast)
        }
        #expect(error?.message == "\(folder.path) is in use by process \(ProcessInfo.processInfo.processIdentifier)")
        let pids = try ["postgres", "redis", "mongod"].map { try Probe.pid(of: $0, in: folder) }
        for pid in pids { #expect(getsid(pid) == pid, "a Ctrl-C at the terminal would reach it") }
        await second.stop()
        for pid in pids { #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)")) }
        #expect(await second.unexpectedExits.first { _ in true } == nil)
    }

    @Test("its file carries its environment and what the caller adds")
    func environmentFile() async throws {
        let stack = try await TestStack.shared
        let file = try stack.writeEnvironmentFile(adding: ["QUARTET_API_KEY": "secret"])
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
        let expected = stack.environment.map { "\($0.key)=\($0.value)" } + ["QUARTET_API_KEY=secret"]
        #expect(lines == expected.sorted())
        #expect(file == stack.directory.appendingPathComponent("stack.env"))
    }

    @Test("a server that dies in it is reported")
    func unexpectedExit() async throws {
        let folder = try Probe.makeFolder("dies")
        let stack = try await LocalStack.start(directory: folder, options: .fast)
        kill(try Probe.pid(of: "mongod", in: folder), SIGKILL)
        let exit = await stack.unexpectedExits.first { _ in true }
        #expect(exit?.server == "mongod")
        await stack.stop()
    }

    @Test("A broker that is a process turns clients away with its records kept, and comes back empty where it died")
    func brokerProcess() async throws {
        let folder = try Probe.makeFolder("broker")
        let (ends, end) = AsyncStream.makeStream(of: ServerExit.self)
        let broker = BrokerProcess(directory: folder, options: .fast) { end.yield($0) }
        try await broker.start()
        let address = broker.url
        let port = try #require(UInt16(address.split(separator: ":")[1]))
        func isListening() -> Bool { LoopbackConnection(port: port) != nil }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let configuration = KafkaConfiguration(brokers: [address])
        let producer = try KafkaProducer(configuration, logger: logger)
        let reader = try KafkaConsumer(configuration, options: KafkaConsumerOptions(), logger: logger)
        func send() async throws {
            let record = KafkaRecord(topic: "t", partition: 0, value: Array("v".utf8))
            for result in try await producer.send([record]) { _ = try result.get() }
        }
        func stored() async throws -> Int64 {
            try await reader.watermarks(topic: "t", deadline: .after(.seconds(60))).reduce(0) { $0 + $1.high }
        }
        try await send()
        try await send()

        await broker.kill()
        #expect(!isListening())
        try await broker.start()
        #expect(try await stored() == 2)

        kill(try Probe.pid(of: "kafka", in: folder), SIGABRT)
        let exit = await ends.first { _ in true }
        #expect(exit?.reason == "signal \(SIGABRT)")
        // Both come at once, as a supervisor and a plan may.
        async let one: Void = broker.start()
        async let other: Void = broker.start()
        _ = try await (one, other)
        #expect(broker.url == address)
        // The clients that it had find it again.
        try await send()
        #expect(try await stored() == 1)
        await producer.close(deadline: .after(.seconds(10)))
        await reader.close(deadline: .after(.seconds(10)))
        await broker.close()
        #expect(!isListening())
    }

    /// librdkafka names a member after where it lies in memory. A consumer that was away keeps that name, and the next
    /// member may lie there.
    @Test("A broker that is a process calls no member of a group by an address")
    func membersOfABrokerProcess() async throws {
        let broker = BrokerProcess(directory: try Probe.makeFolder("members"), options: .fast)
        try await broker.start()
        let port = try #require(UInt16(broker.url.split(separator: ":")[1]))
        func text(_ value: String) -> [UInt8] { [0, UInt8(value.utf8.count)] + value.utf8 }
        // JoinGroup, version 0, with a session of 10 s and one protocol.
        let request: [UInt8] =
            [0, 11, 0, 0, 0, 0, 0, 1] + text("test") + text("group") + [0, 0, 0x27, 0x10] + text("") + text("consumer")
            + [0, 0, 0, 1] + text("range") + [0, 0, 0, 0]
        let connection = LoopbackConnection(port: port, timeoutSeconds: 60)
        let isSent = connection?.send([0, 0, 0, UInt8(request.count)] + request)
        try #require(isSent == true)
        let length = connection?.receive(4)
        let answer = connection?.receive(Int(try #require(length)[3]))
        // Behind the correlation, the error, the generation, the protocol and the leader.
        var rest = try #require(answer).dropFirst(10)
        for _ in ["protocol", "leader"] { rest = rest.dropFirst(2 + Int(rest[rest.startIndex + 1])) }
        let name = String(decoding: rest.dropFirst(2).prefix(Int(rest[rest.startIndex + 1])), as: UTF8.self)
        #expect(name.contains(/^[0-9a-f]{16}-[0-9a-f]{8}$/))
        await broker.close()
    }

    @Test("Kafka keeps its address over a restart, and nothing listens there between")
    func kafkaRestarts() async throws {
        let kafka = try await TestStack.privateKafka(brokers: 2)
        let address = kafka.url
        let ports = address.split(separator: ",").compactMap { UInt16($0.split(separator: ":")[1]) }
        #expect(ports.count == 2)
        #expect(ports.allSatisfy { LoopbackConnection(port: $0) != nil })
        await kafka.kill()
        #expect(ports.allSatisfy { LoopbackConnection(port: $0) == nil })
        try await kafka.restart()
        try await kafka.start()
        #expect(kafka.url == address)
        #expect(ports.allSatisfy { LoopbackConnection(port: $0) != nil })
        await kafka.close()
    }

    @Test("unique names fit every store and differ")
    func uniqueNames() {
        let names = (0..<100).map { _ in TestStack.uniqueName(String(repeating: "x", count: 80)) }
        #expect(Set(names).count == 100)
        #expect(names.allSatisfy { $0.utf8.count == 63 })
    }
}
