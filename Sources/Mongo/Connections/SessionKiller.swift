import CLibMongoC
import ClientSupport

/// Ends on the server what one of this client's sessions is doing there. It has a connection of its own, made when it is
/// first needed and thrown away after any failure.
actor SessionKiller {
    private nonisolated let executor = BlockingExecutor(label: "mongo.interrupt")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let configuration: MongoConfiguration
    private var handle: ClientHandle?

    init(_ configuration: MongoConfiguration) {
        var configuration = configuration
        // A caller waits no longer than this for the server to let go of its operation.
        configuration.connectTimeout = min(configuration.connectTimeout, configuration.cancellationGrace)
        configuration.socketTimeout = configuration.cancellationGrace
        configuration.serverSelectionTimeout = configuration.cancellationGrace
        self.configuration = configuration
    }

    /// - Parameter session: its id, as commands carry it.
    func kill(_ session: BSONDocument) {
        do {
            var client = try handle.take() ?? ClientHandle(alone: ConnectionString(configuration))
            _ = try client.run(
                ["killSessions": [.document(session)]], database: "admin", operation: "killSessions",
                maxTimeMilliseconds: max(1, configuration.cancellationGrace.wholeMilliseconds), writeNumber: nil
            ).get()
            handle = consume client
        } catch {
            // The caller goes on after its grace; the operation ends at its time limit or with its connection.
        }
    }

    func close() {
        handle = nil
    }
}
