/// The documents of a query, read batch by batch as they are asked for. Every iteration runs the query anew.
package struct MongoCursor: AsyncSequence, Sendable {
    package typealias Element = BSONDocument

    let collection: MongoCollection
    let request: MongoRequest
    let batchSize: Int?

    /// The same, as many documents at a time as the server sends.
    package var batches: Batches { Batches(cursor: self) }

    package func makeAsyncIterator() -> Iterator { Iterator(batches: batches.makeAsyncIterator()) }

    package struct Iterator: AsyncIteratorProtocol {
        private var batches: Batches.Iterator
        private var batch: [BSONDocument] = []
        private var index = 0

        init(batches: Batches.Iterator) {
            self.batches = batches
        }

        package mutating func next() async throws -> BSONDocument? {
            while index == batch.count {
                guard let next = try await batches.next() else { return nil }
                batch = next
                index = 0
            }
            defer { index += 1 }
            return batch[index]
        }
    }

    package struct Batches: AsyncSequence, Sendable {
        package typealias Element = [BSONDocument]

        let cursor: MongoCursor

        package func makeAsyncIterator() -> Iterator { Iterator(cursor) }

        package struct Iterator: AsyncIteratorProtocol {
            private let cursor: MongoCursor
            private var open: OpenCursor?
            private var hasEnded = false

            init(_ cursor: MongoCursor) {
                self.cursor = cursor
            }

            package mutating func next() async throws -> [BSONDocument]? {
                if hasEnded { return nil }
                let deadline = cursor.collection.client.deadline(nil)
                do {
                    if let open {
                        let batch = try await open.more(deadline: deadline)
                        hasEnded = batch == nil
                        return batch
                    }
                    let open = OpenCursor(cursor.collection, batchSize: cursor.batchSize)
                    self.open = open
                    return try await open.open(cursor.request, deadline: deadline)
                } catch {
                    hasEnded = true
                    throw error
                }
            }
        }
    }
}
