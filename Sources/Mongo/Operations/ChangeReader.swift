import ClientSupport
import Synchronization

/// Reads a change stream's cursor and opens it again behind the last batch where the server or the connection went away.
final class ChangeReader: Sendable {
    /// How long the server waits for changes before it answers that there are none.
    private static let awaitTime: Duration = .seconds(1)

    private struct State {
        var connection: MongoConnection?
        var cursorID: Int64?
        var resumeAfter: BSONDocument?
        var failures = 0
    }

    private let stream: MongoChangeStream
    private let state: Mutex<State>

    private var collection: MongoCollection { stream.collection }
    private var client: MongoClient { stream.collection.client }

    init(_ stream: MongoChangeStream) {
        self.stream = stream
        state = Mutex(State(resumeAfter: stream.resumeAfter?.document))
    }

    deinit {
        let (connection, cursorID) = state.withLock { ($0.connection.take(), $0.cursorID) }
        guard let connection else { return }
        let collection = stream.collection
        Task {
            if let cursorID {
                let request = MongoRequest(
                    command: ["killCursors": .string(collection.name), "cursors": [.int64(cursorID)]],
                    database: collection.database, operation: collection.operation("killCursors"))
                _ = try? await connection.call(request, deadline: collection.client.deadline(nil))
            }
            collection.client.closeChangeStream(connection)
        }
    }

    /// The changes that have come, perhaps none.
    func next() async throws -> [BSONDocument] {
        while true {
            do {
                let request = state.withLock { $0.cursorID }.map(getMore) ?? watch()
                let reply = try await openConnection().call(request, deadline: client.deadline(nil))
                let batch = try CursorBatch(reply, request.operation)
                let token = batch.resumeToken ?? batch.documents.last?["_id"]?.asDocument
                state.withLock { state in
                    state.cursorID = batch.cursorID == 0 ? nil : batch.cursorID
                    state.resumeAfter = token ?? state.resumeAfter
                    state.failures = 0
                }
                return batch.documents
            } catch let error as any StoreFailure where Self.isResumable(error) {
                let failures = state.withLock { state in
                    state.cursorID = nil
                    state.failures += 1
                    return state.failures
                }
                let pause = client.configuration.backoff.delay(attempt: failures - 1)
                try await ContinuousClock().sleep(until: .now.advanced(by: pause))
            }
        }
    }

    private static func isResumable(_ error: any StoreFailure) -> Bool {
        guard let error = error as? MongoError else { return false }
        return switch error.code {
        case .connectionLost, .serverSelection, .deadlineExceeded: true
        case .server:
            error.isRetriable || error.labels.contains("ResumableChangeStreamError")
                || error.serverCode == MongoServerCode.cursorNotFound
        default: false
        }
    }

    private func openConnection() async throws -> MongoConnection {
        if let connection = state.withLock({ $0.connection }) { return connection }
        let connection = try await client.openChangeStream()
        state.withLock { $0.connection = connection }
        return connection
    }

    private func watch() -> MongoRequest {
        let resumeAfter = state.withLock { $0.resumeAfter }
        let change = BSONDocument { writer in
            if stream.fullDocument != .default { writer.append("fullDocument", stream.fullDocument.rawValue) }
            writer.append("resumeAfter", ifPresent: resumeAfter)
        }
        let command = BSONDocument { writer in
            writer.append("aggregate", collection.name)
            writer.append("pipeline", [["$changeStream": .document(change)]] + stream.pipeline)
            writer.append("cursor", BSONDocument())
            writer.append("readConcern", MongoReadConcern.majority.document)
        }
        return MongoRequest(
            command: command, database: collection.database, operation: collection.operation("watch"),
            repetition: .read)
    }

    private func getMore(_ cursorID: Int64) -> MongoRequest {
        let command = BSONDocument { writer in
            writer.append("getMore", cursorID)
            writer.append("collection", collection.name)
            writer.append("maxTimeMS", Self.awaitTime.wholeMilliseconds)
        }
        return MongoRequest(
            command: command, database: collection.database, operation: collection.operation("watch"),
            takesMaxTime: false)
    }
}
