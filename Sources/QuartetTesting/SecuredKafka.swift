import Foundation
import QuartetStack

/// An Apache Kafka that asks who its clients are: one for all tests, which do it no harm.
///
/// Users `app` and `guest` show a password by PLAIN or SCRAM-SHA-256; `app` may do anything and `guest` nothing. Certificates
/// are signed by an authority of its own. Topics must be made.
package struct SecuredKafka: Sendable {
    package static let passwords = ["app": "app-secret", "guest": "guest-secret"]

    private static let start = Task { try await SecuredKafka() }

    package static var shared: SecuredKafka {
        get async throws { try await start.value }
    }

    private let broker: KafkaBroker
    private let folder: URL

    /// Whom clients must trust.
    package var authorityFile: String { file("ca.pem") }
    /// A client's certificate, which may do anything, and its key.
    package var clientFile: String { file("client.pem") }
    package var clientKeyFile: String { file("client.key") }

    /// TLS, and nothing asked of the client.
    package var tls: String { get throws { try broker.url(of: "TLS") } }
    /// TLS, and the client needs a certificate.
    package var certificate: String { get throws { try broker.url(of: "CERTIFICATE") } }
    /// TLS, and the client needs a password.
    package var password: String { get throws { try broker.url(of: "PASSWORD") } }

    private init() async throws {
        folder = try TemporaryFolder.make()
        try await Self.makeCertificates(in: folder)
        var settings = KafkaNodeSettings()
        settings.listeners = ["TLS": "SSL", "CERTIFICATE": "SSL", "PASSWORD": "SASL_SSL"]
        settings.scramUsers = Self.passwords
        let modules = "org.apache.kafka.common.security"
        let users = Self.passwords.map { "user_\($0.key)=\"\($0.value)\"" }.joined(separator: " ")
        settings.properties = [
            "ssl.keystore.type": "PEM", "ssl.keystore.location": folder.path + "/server-chain.pem",
            "ssl.truststore.type": "PEM", "ssl.truststore.location": folder.path + "/ca.pem",
            "listener.name.certificate.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
            "listener.name.password.plain.sasl.jaas.config": "\(modules).plain.PlainLoginModule required \(users);",
            "listener.name.password.scram-sha-256.sasl.jaas.config": "\(modules).scram.ScramLoginModule required;",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "auto.create.topics.enable": "false", "super.users": "User:ANONYMOUS;User:app;User:CN=client",
        ]
        broker = try await TestBroker.apacheKafka(settings: settings)
    }

    private func file(_ name: String) -> String { folder.appendingPathComponent(name).path }

    private static func makeCertificates(in folder: URL) async throws {
        let script = """
            cd "$1" && umask 077
            openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=an authority" -keyout ca.key -out ca.pem
            echo "subjectAltName=DNS:localhost,IP:127.0.0.1" > names
            for name in server client; do
                openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout $name.key -out $name.csr
                openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out $name.pem
            done
            cat server.key server.pem ca.pem > server-chain.pem
            """
        let process = try ChildProcess(
            ["/bin/sh", "-ec", script, "sh", folder.path], log: folder.appendingPathComponent("openssl.log"),
            orphanSignal: "KILL")
        await process.waitForEnd()
    }
}
