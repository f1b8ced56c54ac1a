import ClientSupport
import Logging
import Postgres
import Testing

/// Runs `body` with a client of the shared server, or of `server`.
func withClient(
    on server: TestServer? = nil, _ settings: Setting..., body: (PostgresClient) async throws -> Void
) async throws {
    let server = if let server { server } else { try await TestServer.shared }
    var configuration = try PostgresConfiguration(url: server.url())
    configuration.backoff = Backoff(base: .milliseconds(5), max: .milliseconds(50))
    for setting in settings { setting.apply(&configuration) }
    let client = PostgresClient(configuration, logger: quiet)
    do {
        try await body(client)
    } catch {
        await client.close()
        throw error
    }
    await client.close()
}

/// A change to the configuration that a test runs with.
struct Setting {
    let apply: (inout PostgresConfiguration) -> Void

    static func set<Value>(_ key: WritableKeyPath<PostgresConfiguration, Value>, _ value: Value) -> Setting {
        Setting { $0[keyPath: key] = value }
    }
}

let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// The error that `body` throws.
func failure<Value>(
    of body: () async throws -> Value, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> PostgresError {
    do {
        _ = try await body()
    } catch let error as PostgresError {
        return error
    }
    throw Unexpected("no error was thrown")
}

/// Waits until the server is at work on `count` statements that contain `text`.
func running(_ client: PostgresClient, _ text: String, count: Int = 1) async throws {
    try await eventually {
        let rows = try await client.query(
            PostgresStatement(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1", "\(text)%"))
        return try rows.single().decode(0, as: Int.self) >= count
    }
}

struct Unexpected: Error {
    let what: String

    init(_ what: String) {
        self.what = what
    }
}

/// Asks again and again, up to a limit: for what a server does without a signal.
func eventually(
    within limit: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
    let deadline = Deadline.after(limit)
    while try await !condition() {
        if deadline.isPast { throw Unexpected("it did not happen within \(limit)") }
        await Task.yield()
    }
}
