import ClientSupport
import Synchronization

/// A cursor on the server and the connection whose session it belongs to. Both are given up at the end of the results,
/// after an error, or when nobody refers to it any more.
final class OpenCursor: Sendable {
    private struct Open {
        let connection: MongoConnection
        let id: Int64
    }

    private let collection: MongoCollection
    private let batchSize: Int?
    private let state = Mutex<Open?>(nil)

    init(_ collection: MongoCollection, batchSize: Int?) {
        self.collection = collection
        self.batchSize = batchSize
    }

    deinit {
        guard let open = state.withLock({ $0.take() }) else { return }
        let collection = collection
        Task { await Self.end(open, of: collection) }
    }

    /// The first batch.
    func open(_ request: MongoRequest, deadline: Deadline) async throws -> [BSONDocument] {
        let connection = try await collection.client.checkout(deadline: deadline)
        do {
            return try await take(from: connection, request, deadline: deadline)
        } catch {
            collection.client.giveBack(connection)
            throw error
        }
    }

    /// The next batch; nil at the end.
    func more(deadline: Deadline) async throws -> [BSONDocument]? {
        guard let open = state.withLock({ $0.take() }) else { return nil }
        let command = BSONDocument { writer in
            writer.append("getMore", open.id)
            writer.append("collection", collection.name)
            writer.append("batchSize", ifPresent: batchSize)
        }
        let request = MongoRequest(
            command: command, database: collection.database, operation: collection.operation("getMore"),
            takesMaxTime: false)
        do {
            return try await take(from: open.connection, request, deadline: deadline)
        } catch {
            // The cursor may be open still: not every failure is the server's. Nobody waits for its end.
            let collection = collection
            Task { await Self.end(open, of: collection) }
            throw error
        }
    }

    private func take(
        from connection: MongoConnection, _ request: MongoRequest, deadline: Deadline
    ) async throws -> [BSONDocument] {
        let batch = try CursorBatch(try await connection.call(request, deadline: deadline), request.operation)
        if batch.cursorID == 0 {
            collection.client.giveBack(connection)
        } else {
            state.withLock { $0 = Open(connection: connection, id: batch.cursorID) }
        }
        return batch.documents
    }

    private static func end(_ open: Open, of collection: MongoCollection) async {
        let request = MongoRequest(
            command: ["killCursors": .string(collection.name), "cursors": [.int64(open.id)]],
            database: collection.database, operation: collection.operation("killCursors"))
        // A cursor that can't be closed now ends by itself on the server.
        _ = try? await open.connection.call(request, deadline: collection.client.deadline(nil))
        collection.client.giveBack(open.connection)
    }
}

/// What a reply that carries a cursor says.
struct CursorBatch {
    let documents: [BSONDocument]
    /// 0: there is no more.
    let cursorID: Int64
    /// A change stream's place behind this batch.
    let resumeToken: BSONDocument?

    init(_ reply: BSONDocument, _ operation: String) throws {
        do {
            let cursor = try reply.decode("cursor", as: BSONDocument.self)
            let key = cursor["firstBatch"] == nil ? "nextBatch" : "firstBatch"
            documents = try cursor.decode(key, as: BSONArray.self).decode()
            cursorID = try cursor.decode("id")
            resumeToken = cursor["postBatchResumeToken"]?.asDocument
        } catch {
            throw MongoError(.protocolViolation, "\(error)", operation: operation)
        }
    }
}
