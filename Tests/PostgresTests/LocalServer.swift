import Foundation
import Postgres
import Synchronization

/// A private PostgreSQL server on a free loopback port, which a test may kill and start again.
final class LocalServer: Sendable {
    private static let binaries = "/usr/lib/postgresql/15/bin"
    /// An initialised data folder, made once and copied for each server.
    private static let template: Result<URL, any Error> = Result {
        let data = try makeTemplate()
        atexit { LocalServer.removeTemplate() }
        return data
    }

    private static func removeTemplate() {
        if let data = try? template.get() {
            try? FileManager.default.removeItem(at: data.deletingLastPathComponent())
        }
    }

    let port: Int
    private let folder: URL
    private let process = Mutex<Int32?>(nil)

    private init() throws {
        port = try Self.freePort()
        folder = try Self.makeFolder("server")
        try Self.run(["cp", "-a", Self.template.get().path, folder.appending(path: "data").path])
        try Self.run(["chown", "-R", "postgres", folder.path])
    }

    /// The server that tests share who do it no harm.
    static let shared: Result<LocalServer, any Error> = Result {
        let server = try LocalServer()
        try server.start()
        atexit { try? LocalServer.shared.get().remove() }
        return server
    }

    /// A server for `body` alone.
    static func withOwn(_ body: (LocalServer) async throws -> Void) async throws {
        let server = try LocalServer()
        try server.start()
        defer { server.remove() }
        try await body(server)
    }

    func url(user: String = "postgres", password: String = "right") -> String {
        "postgresql://\(user):\(password)@127.0.0.1:\(port)/postgres"
    }

    var socketURL: String { "postgresql://postgres:right@/postgres?host=\(folder.path)&port=\(port)" }

    /// Returns when the server takes connections.
    func start() throws {
        let log = folder.appending(path: "log").path
        let command =
            Self.asPostgres + [
                "\(Self.binaries)/postgres", "-D", folder.appending(path: "data").path, "-p", "\(port)",
                "-k", folder.path, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=300",
                "-c", "log_destination=stderr",
            ]
        let id = try Self.spawn(command, output: log)
        process.withLock { $0 = id }
        let ready = [
            "\(Self.binaries)/pg_isready", "-q", "-h", "127.0.0.1", "-p", "\(port)", "-t", "20",
        ]
        // pg_isready gives up at once when nothing listens yet, and the server gives no other signal.
        let limit = ContinuousClock.now.advanced(by: .seconds(30))
        while (try? Self.run(ready)) == nil {
            guard ContinuousClock.now < limit else { throw Failure("the server did not start") }
        }
    }

    /// As a crash: no goodbye to anyone.
    func kill() {
        stop(signal: SIGKILL)
    }

    /// As an administrator's fast shutdown.
    func shutDown() {
        stop(signal: SIGINT)
    }

    private func stop(signal: Int32) {
        let id = process.withLock { id in
            defer { id = nil }
            return id
        }
        guard let id else { return }
        // Backends notice that the postmaster was killed; their shared memory must be free before the next start.
        if signal == SIGKILL { for child in Self.children(of: id) { Foundation.kill(child, signal) } }
        Foundation.kill(id, signal)
        var status: Int32 = 0
        waitpid(id, &status, 0)
    }

    private static func children(of id: Int32) -> [Int32] {
        let list = try? String(contentsOfFile: "/proc/\(id)/task/\(id)/children", encoding: .utf8)
        return (list ?? "").split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
    }

    private func remove() {
        stop(signal: SIGQUIT)
        try? FileManager.default.removeItem(at: folder)
    }

    // MARK: Preparing

    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) {
            self.description = description
        }
    }

    private static var asPostgres: [String] {
        guard getuid() == 0 else { return [] }
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
    }

    private static func makeTemplate() throws -> URL {
        let folder = try makeFolder("template")
        let password = folder.appending(path: "password")
        try Data("right\n".utf8).write(to: password)
        let data = folder.appending(path: "data")
        try run(["chown", "-R", "postgres", folder.path])
        try run(
            asPostgres + [
                "\(binaries)/initdb", "-D", data.path, "-U", "postgres", "-A", "scram-sha-256", "-N", "-E", "UTF8",
                "--locale=C.UTF-8", "--pwfile", password.path,
            ])
        return data
    }

    private static func makeFolder(_ kind: String) throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "postgres-tests-\(kind)-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else { throw Failure("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    @discardableResult
    private static func spawn(_ command: [String], output: String) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let arguments = command.map { strdup($0) }
        defer { for argument in arguments { free(argument) } }
        var id: pid_t = 0
        let problem = posix_spawnp(&id, command[0], &actions, nil, arguments + [nil], environ)
        guard problem == 0 else { throw Failure("\(command[0]): \(String(cString: strerror(problem)))") }
        return id
    }

    private static func run(_ command: [String]) throws {
        let id = try spawn(command, output: "/dev/null")
        var status: Int32 = 0
        waitpid(id, &status, 0)
        guard status == 0 else { throw Failure("\(command.joined(separator: " ")): status \(status)") }
    }
}
