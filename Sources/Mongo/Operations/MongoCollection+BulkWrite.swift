package import StoreKit

extension MongoCollection {
    /// Many writes of any kind. Ordered: one after the other, ended by the first error. Unordered: those of one kind
    /// together, all tried.
    ///
    /// - Returns: counts, and errors and upserted ids by the writes' indexes.
    package func bulkWrite(
        _ writes: [MongoWrite], ordered: Bool = false, deadline: Deadline? = nil
    ) async throws -> MongoBulkResult {
        let deadline = client.deadline(deadline)
        var result = MongoBulkResult()
        for batch in ordered ? Self.consecutive(writes) : Self.byKind(writes) {
            let (kind, indexes) = (batch.kind, batch.indexes)
            let reply = try await write(batch.request(on: self, ordered: ordered), deadline: deadline)
            try result.add(reply, kind: kind, indexes: indexes)
            if ordered && !result.errors.isEmpty { break }
        }
        result.errors.sort { $0.index < $1.index }
        result.upserted.sort { $0.index < $1.index }
        return result
    }

    /// In order: a batch ends where the kind changes.
    private static func consecutive(_ writes: [MongoWrite]) -> [WriteBatch] {
        var batches: [WriteBatch] = []
        for (index, write) in writes.enumerated() {
            let last = batches.indices.last
            batches.add(write, index: index, to: last.flatMap { batches[$0].kind == write.kind ? $0 : nil })
        }
        return batches
    }

    private static func byKind(_ writes: [MongoWrite]) -> [WriteBatch] {
        var batches: [WriteBatch] = []
        for (index, write) in writes.enumerated() {
            batches.add(write, index: index, to: batches.lastIndex { $0.kind == write.kind })
        }
        return batches
    }
}

extension [WriteBatch] {
    /// Adds to the batch at `place` where there is one and it has room, to a new one otherwise.
    fileprivate mutating func add(_ write: MongoWrite, index: Int, to place: Int?) {
        let statement = write.statement
        statement.withUnsafeBytes { bytes in
            if let place, self[place].takes(bytes.count) {
                self[place].append(bytes, index: index, isNumbered: write.isNumbered)
            } else {
                var batch = WriteBatch(write.kind)
                batch.append(bytes, index: index, isNumbered: write.isNumbered)
                append(batch)
            }
        }
    }
}
