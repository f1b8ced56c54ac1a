/// What became of many writes. A write that failed on its own is an outcome; see `errors`.
package struct MongoBulkResult: Sendable, Hashable {
    package internal(set) var inserted = 0
    package internal(set) var matched = 0
    package internal(set) var modified = 0
    package internal(set) var deleted = 0
    /// In the order of their indexes.
    package internal(set) var upserted: [MongoUpserted] = []
    /// In the order of their indexes.
    package internal(set) var errors: [MongoWriteError] = []
    /// Of the primary that took the writes: as long as it is the same, all of its writes are in one history. Nil where not
    /// all were taken by one, or where the server does not say, as the router of a sharded cluster.
    package internal(set) var electionID: BSONValue?
    private var hasReplies = false

    package init() {}

    var hasChanges: Bool { inserted > 0 || modified > 0 || deleted > 0 || !upserted.isEmpty }

    mutating func addElection(of reply: BSONDocument) {
        let election = reply["electionId"]
        electionID = hasReplies && electionID != election ? nil : election
        hasReplies = true
    }

    /// - Throws: the first error that says something else than that the document is there already.
    package func throwUnlessDuplicates() throws(MongoError) {
        if let error = errors.first(where: { !$0.isDuplicateKey }) { throw error.asMongoError }
    }

    package func throwIfAny() throws(MongoError) {
        if let error = errors.first { throw error.asMongoError }
    }
}

package struct MongoUpserted: Sendable, Hashable {
    /// Of the write, from 0.
    package let index: Int
    package let id: BSONValue
}

package struct MongoWriteError: Sendable, Hashable, CustomStringConvertible {
    /// Of the write, from 0.
    package let index: Int
    package let code: Int
    /// As the server put it; may quote row data, which `description` leaves out.
    package let message: String

    package var isDuplicateKey: Bool { MongoServerCode.isDuplicateKey(code) }
    package var description: String { "write \(index): \(asMongoError)" }

    var asMongoError: MongoError { asMongoError(operation: "") }

    func asMongoError(operation: String) -> MongoError {
        MongoError(
            .server, message, operation: operation, serverCode: code,
            mayHaveHappened: MongoServerCode.broken.contains(code))
    }
}

package struct MongoUpdateResult: Sendable, Hashable {
    package let matched: Int
    package let modified: Int
    /// The new document's id where nothing matched and one was inserted.
    package let upsertedID: BSONValue?
}
