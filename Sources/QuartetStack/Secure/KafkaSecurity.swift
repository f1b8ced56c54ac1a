import Foundation

/// Apache Kafka over TLS, with passwords by PLAIN and rights by topic and group. Nodes know each other by certificate.
///
/// Not SCRAM: Debian 12's librdkafka can't do it with this Kafka.
struct KafkaSecurity: Sendable {
    let secrets: StackSecrets

    var nodes: KafkaNodeSettings {
        var settings = KafkaNodeSettings()
        settings.clients = "SASL_SSL"
        settings.controllers = "SSL"
        let users = [SecureUser.admin, .quartet].map { "user_\($0)=\"\(password($0))\"" }.joined(separator: " ")
        settings.properties = [
            "ssl.keystore.type": "PEM", "ssl.keystore.location": secrets.chainFile, "ssl.truststore.type": "PEM",
            "ssl.truststore.location": secrets.authorityFile, "listener.name.controller.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "PLAIN", "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.clients.plain.sasl.jaas.config":
                "\(Self.module) username=\"admin\" password=\"\(password(.admin))\" \(users);",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:\(SecureUser.admin);User:CN=quartet-server", "auto.create.topics.enable": "false",
        ]
        return settings
    }

    /// What clients have to be told beside the address.
    var settings: [String: String] {
        [
            "KAFKA_SECURITY": "sasl_tls", "KAFKA_MECHANISM": "plain", "KAFKA_USERNAME": "\(SecureUser.quartet)",
            "KAFKA_PASSWORD": password(.quartet), "KAFKA_CA_FILE": secrets.authorityFile,
        ]
    }

    /// Lets Quartet make, read and write its topics, and be in its groups.
    func grant(home: KafkaHome, at brokers: String) async throws {
        let text = JavaProperties.text([
            "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN",
            "sasl.jaas.config": "\(Self.module) username=\"admin\" password=\"\(password(.admin))\";",
            "ssl.truststore.type": "PEM", "ssl.truststore.location": secrets.authorityFile,
        ])
        let start = [
            "--bootstrap-server", brokers, "--command-config", try secrets.write(text, to: "kafka-admin.properties"),
            "--add", "--allow-principal", "User:\(SecureUser.quartet)",
        ]
        let topics = secrets.security.topics.flatMap { ["--topic", $0, "--topic", "\($0).dlq"] }
        let operations = ["Read", "Write", "Create", "Describe", "DescribeConfigs"].flatMap { ["--operation", $0] }
        let groups = ["--operation", "Read", "--operation", "Describe", "--group", secrets.security.groupPrefix]
        async let first: Void = run(start + operations + topics, home)
        async let second: Void = run(start + groups + ["--resource-pattern-type", "prefixed"], home)
        _ = try await (first, second)
    }

    private func run(_ arguments: [String], _ home: KafkaHome) async throws {
        let log = URL(fileURLWithPath: secrets.file("kafka-rights.log"))
        let command = home.command(
            "org.apache.kafka.tools.AclCommand", options: ["-Xmx64m", "-XX:TieredStopAtLevel=1"], arguments)
        guard try await ServerCommand.run(command, log: log) else {
            throw StackError(code: .startFailed, message: "kafka's rights could not be set; see \(log.path)")
        }
    }

    private func password(_ user: SecureUser) -> String { secrets.password("kafka", of: user) }

    private static let module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
}
