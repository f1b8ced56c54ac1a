package import ClientSupport

extension MongoCollection {
    /// Makes the indexes that are not there yet, and the collection with them.
    package func createIndexes(_ indexes: [MongoIndex], deadline: Deadline? = nil) async throws {
        var request = writeRequest("createIndexes") { writer in
            writer.append("indexes", indexes.map(\.document))
        }
        // The same indexes twice are one.
        request.repetition = .read
        _ = try await write(request, deadline: client.deadline(deadline))
    }

    /// The descriptions of the indexes; empty if there is no such collection.
    package func listIndexes(deadline: Deadline? = nil) async throws -> [BSONDocument] {
        let request = readRequest("listIndexes", takesReadConcern: false) { _ in }
        let deadline = client.deadline(deadline)
        let cursor = OpenCursor(self, batchSize: nil)
        do {
            var indexes = try await cursor.open(request, deadline: deadline)
            while let more = try await cursor.more(deadline: deadline) { indexes += more }
            return indexes
        } catch let error as MongoError where error.isNamespaceNotFound {
            return []
        }
    }

    /// Removes the collection; nothing happens if there is none.
    package func drop(deadline: Deadline? = nil) async throws {
        do {
            _ = try await write(writeRequest("drop") { _ in }, deadline: client.deadline(deadline))
        } catch let error as MongoError where error.isNamespaceNotFound {}
    }
}
