import ClientSupport

/// A collection's name and how to write to and read from it.
///
/// A call without a deadline has the configuration's `operationTimeout`. Every call throws `MongoError`, `PoolError`,
/// `DeadlineExceeded` while it waits for a connection, or `CancellationError` if nothing was changed.
package struct MongoCollection: Sendable {
    let client: MongoClient
    package let name: String
    package let database: String
    package var writeConcern: MongoWriteConcern
    /// Nil: the server's default.
    package var readConcern: MongoReadConcern?

    /// A command that names this collection, as a read.
    func readRequest(
        _ command: StaticString, takesReadConcern: Bool = true, _ build: (inout BSONWriter) -> Void
    ) -> MongoRequest {
        let document = BSONDocument { writer in
            writer.append(command, name)
            build(&writer)
            if takesReadConcern { writer.append("readConcern", ifPresent: readConcern?.document) }
        }
        return MongoRequest(
            command: document, database: database, operation: operation(command), repetition: .read)
    }

    /// A command that names this collection and changes it.
    func writeRequest(
        _ command: StaticString, isNumbered: Bool = false, _ build: (inout BSONWriter) -> Void
    ) -> MongoRequest {
        let document = BSONDocument { writer in
            writer.append(command, name)
            build(&writer)
            writer.append("writeConcern", writeConcern.document)
        }
        return MongoRequest(
            command: document, database: database, operation: operation(command),
            repetition: isNumbered ? .numberedWrite : .never, isWrite: true)
    }

    /// Runs a write. - Throws: also where the write was made and not confirmed by as many servers as asked for.
    func write(_ request: MongoRequest, deadline: Deadline) async throws -> BSONDocument {
        let reply = try await client.run(request, deadline: deadline)
        if let concern = reply["writeConcernError"]?.asDocument {
            throw MongoError(
                .writeConcern, concern["errmsg"]?.asString ?? "write concern not met", operation: request.operation,
                serverCode: concern["code"]?.asInt, codeName: concern["codeName"]?.asString,
                labels: reply["errorLabels"]?.asArray?.compactMap(\.asString) ?? [], mayHaveHappened: true)
        }
        return reply
    }

    func operation(_ command: StaticString) -> String { "\(command) \(database).\(name)" }
}
