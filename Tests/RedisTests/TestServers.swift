import ClientSupport
import Foundation
import Logging
import Testing

@testable import QuartetStack
@testable import Redis

private let root = Result { try TemporaryFolder.make() }

/// A private Redis, not started yet.
func makeServer(_ arguments: [String] = []) throws -> RedisServer {
    RedisServer(
        directory: try root.get().appending(path: UUID().uuidString), options: .fast, arguments: arguments)
}

/// A private Redis that has been started, so that it has a port, and is gone again.
func makeServerThatIsAway() async throws -> RedisServer {
    let server = try makeServer()
    try await server.start()
    await server.kill()
    return server
}

/// A private Redis that speaks TLS on a second port.
func makeServer(
    of certificate: TestCertificate, asksClients: Bool = false
) throws -> (server: RedisServer, tlsPort: Int) {
    let port = Int(try LoopbackPort.free())
    let server = try makeServer([
        "--tls-port", "\(port)", "--tls-auth-clients", asksClients ? "yes" : "no", "--tls-cert-file",
        certificate.certificateFile,
        "--tls-key-file", certificate.keyFile, "--tls-ca-cert-file", certificate.certificateFile,
    ])
    return (server, port)
}

/// A self-signed certificate for 127.0.0.1 and localhost, in a folder of its own.
struct TestCertificate {
    let folder: URL
    var certificateFile: String { folder.appending(path: "cert.pem").path }
    var keyFile: String { folder.appending(path: "key.pem").path }

    init() async throws {
        folder = try root.get().appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let command = [
            "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", keyFile, "-out", certificateFile,
        ]
        try #require(try await ServerCommand.run(command, log: folder.appending(path: "log")))
    }
}

/// Runs `body` with a server and a client of it, and ends both.
func withRedis(
    options: [String] = [], settings: RedisConfiguration = RedisConfiguration(),
    _ body: (RedisServer, RedisClient) async throws -> Void
) async throws {
    let server = try makeServer(options)
    try await server.start()
    let client = makeClient(of: server, settings: settings)
    let result: Result<Void, any Error>
    do {
        result = .success(try await body(server, client))
    } catch {
        result = .failure(error)
    }
    await client.close()
    await server.kill()
    try result.get()
}

func makeClient(
    of server: RedisServer, settings: RedisConfiguration = RedisConfiguration(),
    configure: (inout RedisConfiguration) -> Void = { _ in }
) -> RedisClient {
    makeClient(Int(server.port), settings: settings, configure: configure)
}

/// A client of the server on `port` with `settings`, changed by `configure`; its calls have as long as a busy machine needs.
func makeClient(
    _ port: Int, settings: RedisConfiguration = RedisConfiguration(),
    configure: (inout RedisConfiguration) -> Void = { _ in }
) -> RedisClient {
    var configuration = settings
    configuration.port = port
    configuration.commandTimeout = .seconds(20)
    configure(&configuration)
    return RedisClient(configuration: configuration, logger: .silent)
}

extension RedisConfiguration {
    static func with(_ change: (inout RedisConfiguration) -> Void) -> RedisConfiguration {
        var configuration = RedisConfiguration()
        change(&configuration)
        return configuration
    }
}

extension Logger {
    static let silent = Logger(label: "redis.tests") { _ in SwiftLogNoOpLogHandler() }
}

struct ConditionNotMet: Error {}

/// Asks again until `condition` holds, for what a server tells only when it is asked. Each round is a round trip.
func eventually(_ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now.advanced(by: .seconds(20))
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw ConditionNotMet() }
        await Task.yield()
    }
}

/// What `body` throws, which has to be a `RedisError`.
func redisError<Value>(
    _ body: () async throws -> Value, at location: SourceLocation = #_sourceLocation
) async throws -> RedisError {
    do {
        _ = try await body()
    } catch {
        return try #require(error as? RedisError, sourceLocation: location)
    }
    Issue.record("nothing was thrown", sourceLocation: location)
    throw ConditionNotMet()
}
