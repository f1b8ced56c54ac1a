import ClientSupport
import Kafka
import Testing

@Suite struct ConfigurationTests {
    private let configuration = KafkaConfiguration(brokers: ["127.0.0.1:1"])

    private func refusal(_ configuration: KafkaConfiguration, _ options: KafkaProducerOptions = .init()) -> KafkaError?
    {
        #expect(throws: KafkaError.self) {
            try KafkaProducer(configuration, options: options, logger: TestCluster.logger)
        }
    }

    @Test func anUnknownKeyIsRefusedByName() {
        var configuration = configuration
        configuration.properties["sasl.pasword"] = "secret"
        let error = refusal(configuration)
        #expect(
            error?.description == """
                configuration: _INVALID_ARG, librdkafka knows no setting "sasl.pasword"
                """)
        #expect(error?.isRetriable == false)
    }

    @Test func aRefusedValueIsNotShown() throws {
        var configuration = configuration
        configuration.properties["security.protocol"] = "hunter2"
        let error = try #require(refusal(configuration))
        #expect(error.description.contains("security.protocol") && !error.description.contains("hunter2"))
    }

    @Test(arguments: ["enable.idempotence", "acks", "bootstrap.servers", "message.timeout.ms"])
    func aKeyWithAFieldOfItsOwnIsRefused(key: String) throws {
        var configuration = configuration
        configuration.properties[key] = "1"
        #expect(try #require(refusal(configuration)).description.contains("\"\(key)\" can't be passed through"))
    }

    @Test func aConsumersAutomaticCommitIsRefused() {
        var options = KafkaConsumerOptions(group: "g", topics: ["t"])
        options.properties["enable.auto.commit"] = "true"
        #expect(throws: KafkaError.self) {
            try KafkaConsumer(configuration, options: options, logger: TestCluster.logger)
        }
    }

    @Test func knownKeysPassThrough() async throws {
        var configuration = configuration
        configuration.properties = ["security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-256"]
        configuration.properties["sasl.username"] = "quartet"
        configuration.properties["sasl.password"] = "secret"
        let producer = try KafkaProducer(configuration, logger: TestCluster.logger)
        await producer.close(deadline: .after(.seconds(1)))
    }

    @Test func noBrokersAreRefused() {
        #expect(refusal(KafkaConfiguration(brokers: [])) != nil)
    }

    @Test func aQueueTooSmallForOneRecordIsRefused() {
        var options = KafkaProducerOptions()
        options.queuedKibibytesMax = 100
        #expect(refusal(configuration, options) != nil)
    }

    @Test func aGroupWithoutTopicsIsRefused() {
        #expect(throws: KafkaError.self) {
            try KafkaConsumer(configuration, options: .init(group: "g"), logger: TestCluster.logger)
        }
    }
}
