import ClientSupport
import Foundation
import QuartetTesting
import RabbitMQ
import Testing

@testable import QuartetStack

@Suite struct TLSTests {
    @Test func aTrustedServerIsTalkedToAndAnotherRefused() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(TestStack.uniqueName("rabbit-tls"))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (certificate, key) = (
            folder.appendingPathComponent("cert.pem").path, folder.appendingPathComponent("key.pem").path
        )
        let command = [
            "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2", "-keyout",
            key, "-out", certificate,
        ]
        let process = try ChildProcess(command, log: folder.appendingPathComponent("log"), orphanSignal: "KILL")
        await process.waitForEnd()
        let server = try await TestStack.privateRabbit(
            tls: .init(authorityFile: certificate, certificateFile: certificate, keyFile: key))

        let route = Route()
        var configuration = TestServer.configuration(of: server)
        configuration.port = server.tlsPort
        configuration.host = "localhost"
        configuration.tls = .init()
        let stranger = try await rabbitError { try await RabbitPublisher(configuration, logger: .silent).ping() }
        #expect(stranger.code == .connectFailed && stranger.message.contains("authority"))
        configuration.tls?.authorityFile = certificate
        let publisher = RabbitPublisher(configuration, topology: route.topology, logger: .silent)
        let bodies = (0..<500).map { "\($0)" } + [String(repeating: "x", count: 1_000_000)]
        try await publisher.deliver(bodies.map { route.message($0) })
        let consumer = RabbitConsumer(configuration, queue: route.queue, logger: .silent)
        #expect(try await consumer.texts(bodies.count) == bodies)

        configuration.port = server.port
        configuration.connectTimeout = .seconds(2)
        let plain = try await rabbitError { try await RabbitPublisher(configuration, logger: .silent).ping() }
        #expect(plain.code == .connectFailed)
        await server.kill()
    }
}
