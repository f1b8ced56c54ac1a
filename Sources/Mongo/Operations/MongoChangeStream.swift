/// Where a change stream goes on: behind the change it came with.
package struct MongoResumeToken: Sendable, Hashable {
    package let document: BSONDocument

    package init(_ document: BSONDocument) {
        self.document = document
    }
}

/// Which form of the document an update's change carries.
package enum MongoFullDocument: String, Sendable, Hashable {
    case `default`
    /// The document as it is when the change is read.
    case updateLookup
    case whenAvailable
    case required
}

package struct MongoChange: Sendable, Hashable {
    /// "insert", "update", "replace", "delete", "drop", "invalidate" ...
    package let operation: String
    package let documentKey: BSONDocument?
    package let fullDocument: BSONDocument?
    package let resumeToken: MongoResumeToken
    package let raw: BSONDocument

    init(_ raw: BSONDocument) throws {
        guard let token = raw["_id"]?.asDocument else {
            throw MongoError(.protocolViolation, "a change without a resume token", operation: "watch")
        }
        operation = raw["operationType"]?.asString ?? ""
        documentKey = raw["documentKey"]?.asDocument
        fullDocument = raw["fullDocument"]?.asDocument
        resumeToken = MongoResumeToken(token)
        self.raw = raw
    }
}

extension MongoCollection {
    /// The collection's changes as they happen, those that a majority has.
    ///
    /// - Parameters:
    ///   - pipeline: stages that each change goes through.
    ///   - resumeAfter: goes on behind that change; nil: from now.
    package func watch(
        _ pipeline: [BSONDocument] = [], resumeAfter: MongoResumeToken? = nil,
        fullDocument: MongoFullDocument = .default
    ) -> MongoChangeStream {
        MongoChangeStream(
            collection: self, pipeline: pipeline, resumeAfter: resumeAfter, fullDocument: fullDocument)
    }
}

/// An endless sequence of changes. After a lost connection or a failover it goes on behind the last change by itself, for
/// as long as trying again helps; it reads when it is asked, so a slow reader holds nothing up but itself.
///
/// It ends after an "invalidate", and by throwing: `.changeStreamLost` when it has fallen behind what the server keeps,
/// `CancellationError`. Each iteration has a connection of its own.
package struct MongoChangeStream: AsyncSequence, Sendable {
    package typealias Element = MongoChange

    let collection: MongoCollection
    let pipeline: [BSONDocument]
    let resumeAfter: MongoResumeToken?
    let fullDocument: MongoFullDocument

    package func makeAsyncIterator() -> Iterator { Iterator(self) }

    package struct Iterator: AsyncIteratorProtocol {
        private let reader: ChangeReader
        private var changes: [BSONDocument] = []
        private var index = 0
        private var hasEnded = false

        init(_ stream: MongoChangeStream) {
            reader = ChangeReader(stream)
        }

        package mutating func next() async throws -> MongoChange? {
            if hasEnded { return nil }
            do {
                while index == changes.count {
                    (changes, index) = (try await reader.next(), 0)
                }
                let change = try MongoChange(changes[index])
                index += 1
                hasEnded = change.operation == "invalidate"
                return change
            } catch {
                hasEnded = true
                throw error
            }
        }

        /// Starts watching without waiting for a change: what happens after this returns is not missed.
        package mutating func open() async throws {
            changes += try await reader.next()
        }
    }
}
