import ClientSupport
import QuartetTesting
import Testing

@testable import Kafka

/// How clients sign in to Apache Kafka, and what they hear when it does not let them.
@Suite(.enabled(if: TestBroker.isApacheHere, "KAFKA_HOME names no Kafka"), .timeLimit(.minutes(3)))
struct SecurityTests {
    @Test func aPasswordOverTLSLetsIn() async throws {
        let kafka = try await SecuredKafka.shared
        try await expectToWork(configuration(try kafka.password, Self.signIn("PLAIN"), trusting: kafka), "s.plain")
    }

    @Test func aCertificateLetsIn() async throws {
        let kafka = try await SecuredKafka.shared
        let own = [
            "security.protocol": "ssl", "ssl.certificate.location": kafka.clientFile,
            "ssl.key.location": kafka.clientKeyFile,
        ]
        try await expectToWork(configuration(try kafka.certificate, own, trusting: kafka), "s.certificate")
        let error = try await refusal(
            of: configuration(try kafka.certificate, ["security.protocol": "ssl"], trusting: kafka))
        #expect(error.description.contains("certificate") || error.description.contains("SSL"), "\(error)")
    }

    @Test func aServerThatNobodyVouchesForIsRefused() async throws {
        let kafka = try await SecuredKafka.shared
        try await expectToWork(configuration(try kafka.tls, ["security.protocol": "ssl"], trusting: kafka), "s.tls")
        let error = try await refusal(
            of: KafkaConfiguration(brokers: [try kafka.tls], properties: ["security.protocol": "ssl"]))
        #expect(error.isUnavailable && error.description.contains("certificate verify failed"), "\(error)")
    }

    @Test func aWrongPasswordIsCalledThat() async throws {
        let kafka = try await SecuredKafka.shared
        var properties = Self.signIn("PLAIN")
        properties["sasl.password"] = "hunter2"
        let error = try await refusal(of: configuration(try kafka.password, properties, trusting: kafka))
        #expect(error.description.contains("Authentication failed"), "\(error)")
        #expect(!error.description.contains("hunter2") && !error.description.contains("librdkafka"), "\(error)")
    }

    @Test func aSignInByScramThatTheLibraryCannotDoNamesWhatWorks() async throws {
        let kafka = try await SecuredKafka.shared
        let scram = configuration(try kafka.password, Self.signIn("SCRAM-SHA-256"), trusting: kafka)
        guard SignInAdvice.isScramBroken() else { return try await expectToWork(scram, "s.scram") }
        let error = try await refusal(of: scram)
        #expect(error.description.contains("can't sign in by SCRAM to Kafka 3.8.1"), "\(error)")
        #expect(error.description.contains("PLAIN over TLS, a client certificate, a token"), "\(error)")
        #expect(!error.description.contains("\n"))
        // Who makes topics is told the same, at once.
        let admin = try KafkaAdmin(scram, logger: TestCluster.logger)
        let refused = await #expect(throws: KafkaError.self) { try await admin.topics(deadline: TestCluster.soon) }
        #expect(refused?.description.contains("PLAIN over TLS") == true)
    }

    @Test func whoMayNotMakeTopicsIsToldSo() async throws {
        let kafka = try await SecuredKafka.shared
        let guest = configuration(try kafka.password, Self.signIn("PLAIN", as: "guest"), trusting: kafka)
        let admin = try KafkaAdmin(guest, logger: TestCluster.logger)
        let outcomes = try await admin.make([KafkaTopic("s.guest", partitions: 1)], deadline: TestCluster.soon)
        guard case .refused(let error) = outcomes["s.guest"] else { return #expect(outcomes.isEmpty) }
        #expect(error.name == "TOPIC_AUTHORIZATION_FAILED" && !error.isRetriable)
    }

    @Test func aTopicThatNobodyMadeIsCalledThat() async throws {
        let kafka = try await SecuredKafka.shared
        let configuration = configuration(try kafka.tls, ["security.protocol": "ssl"], trusting: kafka)
        let producer = try TestCluster.makeProducer(configuration) { $0.deliveryTimeout = .seconds(4) }
        let result = try await producer.send([KafkaRecord("s.nobody", "k", "v")])[0]
        let error = #expect(throws: KafkaError.self) { try result.get() }
        #expect(error?.description.contains("UNKNOWN_TOPIC") == true, "\(String(describing: error))")
        #expect(error?.description.contains("the topic must be made") == true && error?.isRetriable == true)
        await producer.close(deadline: .after(.zero))
    }

    // MARK: Steps

    private static func signIn(_ mechanism: String, as user: String = "app") -> [String: String] {
        [
            "security.protocol": "sasl_ssl", "sasl.mechanism": mechanism, "sasl.username": user,
            "sasl.password": SecuredKafka.passwords[user] ?? "",
        ]
    }

    private func configuration(
        _ address: String, _ properties: [String: String], trusting kafka: SecuredKafka
    ) -> KafkaConfiguration {
        KafkaConfiguration(
            brokers: [address], properties: properties.merging(["ssl.ca.location": kafka.authorityFile]) { $1 })
    }

    /// Makes a topic, sends a record and reads it in a group.
    private func expectToWork(_ configuration: KafkaConfiguration, _ topic: String) async throws {
        let admin = try KafkaAdmin(configuration, logger: TestCluster.logger)
        #expect(
            try await admin.make([KafkaTopic(topic, partitions: 1)], deadline: TestCluster.soon) == [topic: .made])
        let producer = try TestCluster.makeProducer(configuration)
        try await producer.deliver([KafkaRecord(topic, "k", "v")])
        let member = try KafkaConsumer(
            configuration, options: KafkaConsumerOptions(group: topic, topics: [topic]), logger: TestCluster.logger)
        #expect(try await member.take(1).map(\.text) == ["v"])
        await member.close(deadline: TestCluster.soon)
        await producer.close(deadline: TestCluster.soon)
    }

    private func refusal(of configuration: KafkaConfiguration) async throws -> KafkaError {
        var configuration = configuration
        configuration.reconnectPauseMax = .milliseconds(200)
        let producer = try KafkaProducer(configuration, logger: TestCluster.silence)
        let error = await #expect(throws: KafkaError.self) { try await producer.ping(deadline: .after(.seconds(5))) }
        await producer.close(deadline: .after(.zero))
        return try #require(error)
    }
}

@Suite struct SignInAdviceTests {
    private let scram = "SASL authentication error: invalid credentials with SASL mechanism SCRAM-SHA-512"

    @Test func onlyAnOldLibrarysScramIsExplained() {
        // librdkafka's _AUTHENTICATION, and below its _TRANSPORT.
        func completed(_ reason: String, _ library: Int32) -> String {
            SignInAdvice.completing(reason, -169, library: library, name: "x")
        }
        #expect(completed(scram, 0x0200_02ff).hasPrefix(scram + "; librdkafka x can't"))
        #expect(completed(scram, 0x0206_01ff) == scram)
        let plain = "SASL authentication error: invalid credentials"
        #expect(completed(plain, 0x0200_02ff) == plain)
        #expect(SignInAdvice.completing(scram, -195, library: 1, name: "x") == scram)
    }
}
