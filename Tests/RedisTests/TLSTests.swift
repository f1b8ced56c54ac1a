import QuartetStack
import Testing

@testable import Redis

@Suite("TLS")
struct TLSTests {
    @Test("A trusted server is talked to; commands, large values and subscriptions work")
    func trusted() async throws {
        try await withTLS { port, certificate in
            for host in ["127.0.0.1", "localhost"] {
                let client = makeClient(port) {
                    $0.host = host
                    $0.tls = RedisTLS(trustRootsFile: certificate.certificateFile)
                }
                let value = [UInt8](repeating: 7, count: 1_000_000)
                try await client.set("k", value)
                #expect(try await client.get("k") == value)
                var iterator = client.subscribe("news").makeAsyncIterator()
                let event = try await iterator.next()
                #expect(event == .subscribed)
                #expect(try await client.publish("1", to: "news") == 1)
                await client.close()
            }
        }
    }

    @Test("A server that nobody vouches for is refused, unless verification is off")
    func untrusted() async throws {
        try await withTLS { port, _ in
            let strict = makeClient(port) { $0.tls = RedisTLS() }
            let error = try await redisError { try await strict.ping() }
            #expect(error.code == .connect && error.isUnavailable && !error.mayHaveHappened)
            #expect(error.description.contains("CERTIFICATE_VERIFY_FAILED") && !error.description.contains("\n"))
            #expect(error.description.contains("name its PEM file"))
            await strict.close()

            let trusting = makeClient(port) { $0.tls = RedisTLS(verification: .none) }
            try await trusting.ping()
            await trusting.close()
        }
    }

    @Test("A server that asks its clients for a certificate gets this one's")
    func clientCertificate() async throws {
        try await withTLS(asksClients: true) { port, certificate in
            var tls = RedisTLS(trustRootsFile: certificate.certificateFile)
            let stranger = makeClient(port) { $0.tls = tls }
            let error = try await redisError { try await stranger.ping() }
            #expect(error.isUnavailable && !error.description.contains("\n"))
            await stranger.close()

            (tls.certificateFile, tls.keyFile) = (certificate.certificateFile, certificate.keyFile)
            let known = makeClient(port) { $0.tls = tls }
            try await known.ping()
            await known.close()
        }
    }

    @Test("A server that speaks no TLS, and a file that is not there, are errors on one line")
    func noTLS() async throws {
        try await withRedis { server, _ in
            // It waits for the end of a line that TLS does not send.
            let client = makeClient(of: server) {
                $0.tls = RedisTLS(verification: .none)
                $0.connectTimeout = .milliseconds(200)
            }
            let error = try await redisError { try await client.ping() }
            #expect(error.code == .connect && !error.description.contains("\n"))
            await client.close()

            let misconfigured = makeClient(of: server) { $0.tls = RedisTLS(trustRootsFile: "/nonexistent.pem") }
            let configuration = try await redisError { try await misconfigured.ping() }
            #expect(configuration.code == .configuration && !configuration.isRetriable)
            await misconfigured.close()
        }
    }

    private func withTLS(
        asksClients: Bool = false, _ body: (Int, TestCertificate) async throws -> Void
    ) async throws {
        let certificate = try await TestCertificate()
        let (server, port) = try makeServer(of: certificate, asksClients: asksClients)
        try await server.start()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(port, certificate))
        } catch {
            result = .failure(error)
        }
        await server.kill()
        try result.get()
    }
}
