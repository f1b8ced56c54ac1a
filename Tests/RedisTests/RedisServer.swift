import Foundation
import Logging
import Synchronization
import Testing

@testable import Redis

/// A private redis-server on a free port, with its data in a folder of its own; `kill` and `start` make it crash and come
/// back on the same port.
actor RedisServer {
    let port: Int
    private let folder: URL
    private let options: [String]
    private var process: Process?
    private var exits: AsyncStream<Void>?

    init(options: [String] = [], tls: TestCertificate? = nil) throws {
        port = try Self.freePort()
        folder = FileManager.default.temporaryDirectory.appending(path: "redis-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var listen = ["--port", "\(port)"]
        if let tls {
            listen = [
                "--port", "0", "--tls-port", "\(port)", "--tls-auth-clients", "no",
                "--tls-cert-file", tls.certificateFile, "--tls-key-file", tls.keyFile,
                "--tls-ca-cert-file", tls.certificateFile,
            ]
        }
        self.options = listen + ["--bind", "127.0.0.1", "--dir", folder.path, "--save", ""] + options
    }

    /// Returns when it accepts connections.
    func start() async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/redis-server")
        process.arguments = options
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        let (exits, exit) = AsyncStream<Void>.makeStream()
        process.terminationHandler = { _ in exit.finish() }
        let (lines, line) = AsyncStream<String>.makeStream()
        // A thread of its own reads. `readabilityHandler` corrupts libdispatch's memory when several end at once:
        // https://github.com/swiftlang/swift-corelibs-libdispatch/issues/949
        let reader = output.fileHandleForReading
        Thread {
            while case let data = reader.availableData, !data.isEmpty {
                line.yield(String(decoding: data, as: UTF8.self))
            }
            line.finish()
        }.start()
        try process.run()
        self.process = process
        self.exits = exits
        var log = ""
        for await text in lines {
            log += text
            if log.contains("Ready to accept connections") { return }
        }
        throw ServerDidNotStart(log: log)
    }

    /// Ends it as a crash does, and returns when it is gone.
    func kill() async {
        guard let exits else { return }
        signal(SIGKILL)
        for await _ in exits {}
        process = nil
    }

    /// It still accepts connections, but neither reads nor answers, until it is resumed.
    func suspend() { signal(SIGSTOP) }
    func resume() { signal(SIGCONT) }

    private func signal(_ number: Int32) {
        guard let process else { return }
        Foundation.kill(process.processIdentifier, number)
    }

    func stop() async {
        await kill()
        try? FileManager.default.removeItem(at: folder)
    }

    private static func freePort() throws -> Int {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        try #require(isBound)
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

struct ServerDidNotStart: Error {
    let log: String
}

/// A self-signed certificate for 127.0.0.1 and localhost, in a folder of its own.
struct TestCertificate {
    let folder: URL
    var certificateFile: String { folder.appending(path: "cert.pem").path }
    var keyFile: String { folder.appending(path: "key.pem").path }

    init() async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "redis-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/openssl")
        openssl.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", keyFile, "-out", certificateFile,
        ]
        openssl.standardError = Pipe()
        let (exits, exit) = AsyncStream<Int32>.makeStream()
        openssl.terminationHandler = {
            exit.yield($0.terminationStatus)
            exit.finish()
        }
        try openssl.run()
        for await status in exits { try #require(status == 0) }
    }

    func remove() {
        try? FileManager.default.removeItem(at: folder)
    }
}

/// Runs `body` with a server and a client of it, and ends both.
func withRedis(
    options: [String] = [], settings: RedisConfiguration = RedisConfiguration(),
    _ body: (RedisServer, RedisClient) async throws -> Void
) async throws {
    let server = try RedisServer(options: options)
    try await server.start()
    let client = makeClient(of: server, settings: settings)
    let result: Result<Void, any Error>
    do {
        result = .success(try await body(server, client))
    } catch {
        result = .failure(error)
    }
    await client.close()
    await server.stop()
    try result.get()
}

/// A client of `server` with `settings`, changed by `configure`; its calls have as long as a busy machine needs.
func makeClient(
    of server: RedisServer, settings: RedisConfiguration = RedisConfiguration(),
    configure: (inout RedisConfiguration) -> Void = { _ in }
) -> RedisClient {
    var configuration = settings
    configuration.port = server.port
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
