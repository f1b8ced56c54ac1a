import Kafka
import Logging
import QuartetCore
import QuartetTesting
import Testing

@testable import QuartetService

/// Topics on an Apache Kafka that asks who its clients are, by the keys of the configuration.
@Suite(.enabled(if: TestBroker.isApacheHere, "KAFKA_HOME names no Kafka"), .serialized, .timeLimit(.minutes(3)))
struct EventTopicsTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func whoMayMakesThemOnceByAnyWayToSignIn() async throws {
        let kafka = try await SecuredKafka.shared
        let app = try signIn("PLAIN", as: "app", kafka)
        #expect(try await make(app) == EventTopic.allCases.count * 2)
        #expect(try await make(app) == 0)
        let certificate = [
            "KAFKA_BROKERS": try kafka.certificate, "KAFKA_SECURITY": "tls", "KAFKA_CA_FILE": kafka.authorityFile,
            "KAFKA_CERTIFICATE_FILE": kafka.clientFile, "KAFKA_KEY_FILE": kafka.clientKeyFile,
        ]
        #expect(try await make(certificate) == 0)
    }

    @Test func whoMayNotIsToldWhichRightItTakes() async throws {
        let error = try await refusal(try signIn("PLAIN", as: "guest", try await SecuredKafka.shared))
        #expect(error.key == "kafka.username")
        #expect(error.problem.contains("give guest the right Create on the cluster or on this topic"), "\(error)")
        #expect(!error.description.contains("\n"))
    }

    @Test func whoCannotSignInIsToldWhatWorks() async throws {
        let kafka = try await SecuredKafka.shared
        var settings = try signIn("PLAIN", as: "app", kafka)
        settings["KAFKA_PASSWORD"] = "hunter2"
        let wrong = try await refusal(settings)
        #expect(wrong.key == "kafka.brokers" && wrong.problem.contains("Authentication failed"), "\(wrong)")
        #expect(!wrong.description.contains("hunter2") && !wrong.description.contains("\n"))
        // SCRAM is the default; it works with a newer library.
        do {
            _ = try await make(try signIn("SCRAM-SHA-256", as: "app", kafka))
        } catch let error as ConfigurationError {
            #expect(error.problem.contains("take PLAIN over TLS, a client certificate"), "\(error)")
            #expect(!error.description.contains("\n"))
        }
    }

    private func signIn(_ mechanism: String, as user: String, _ kafka: SecuredKafka) throws -> [String: String] {
        [
            "KAFKA_BROKERS": try kafka.password, "KAFKA_SECURITY": "sasl_tls", "KAFKA_MECHANISM": mechanism,
            "KAFKA_USERNAME": user, "KAFKA_PASSWORD": SecuredKafka.passwords[user] ?? "",
            "KAFKA_CA_FILE": kafka.authorityFile,
        ]
    }

    private func make(_ settings: [String: String]) async throws -> Int {
        let clients = try StoreClients(try loaded(settings), role: "test", logger: logger)
        defer { Task { await clients.close() } }
        return try await EventTopics(
            settings: clients.configuration.kafka, partitions: [:], kafka: clients.kafka, logger: logger
        ).make()
    }

    private func refusal(_ settings: [String: String]) async throws -> ConfigurationError {
        try #require(await #expect(throws: ConfigurationError.self) { try await make(settings) })
    }
}
