package import ClientSupport

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
        for batch in ordered ? consecutive(writes) : byKind(writes) {
            let (kind, indexes) = (batch.kind, batch.indexes)
            try await send(batch.request(), kind, indexes, to: &result, deadline: deadline)
            if ordered && !result.errors.isEmpty { break }
        }
        result.errors.sort { $0.index < $1.index }
        result.upserted.sort { $0.index < $1.index }
        return result
    }

    /// Sends one command of a bulk and adds its reply to `result`.
    ///
    /// - Throws: a command that fails takes nothing back of those before it: then its error says that the bulk may have
    ///   happened, and is a `MongoError` whatever it was.
    func send(
        _ request: MongoRequest, _ kind: WriteBatch.Kind, _ indexes: [Int], to result: inout MongoBulkResult,
        deadline: Deadline
    ) async throws {
        do {
            try result.add(try await write(request, deadline: deadline), kind: kind, indexes: indexes)
        } catch {
            throw result.hasChanges ? MongoError(ofPartDone: request.operation, error) : error
        }
    }

    /// In order: a batch ends where the kind changes.
    private func consecutive(_ writes: [MongoWrite]) -> [WriteBatch] {
        var batches: [WriteBatch] = []
        for (index, write) in writes.enumerated() {
            let last = batches.indices.last.flatMap { batches[$0].kind == write.kind ? $0 : nil }
            add(write, index: index, to: last, of: &batches, ordered: true)
        }
        return batches
    }

    private func byKind(_ writes: [MongoWrite]) -> [WriteBatch] {
        var batches: [WriteBatch] = []
        for (index, write) in writes.enumerated() {
            let same = batches.lastIndex { $0.kind == write.kind }
            add(write, index: index, to: same, of: &batches, ordered: false)
        }
        return batches
    }

    /// To the batch at `place` where there is one and it has room, to a new one otherwise.
    private func add(
        _ write: MongoWrite, index: Int, to place: Int?, of batches: inout [WriteBatch], ordered: Bool
    ) {
        write.statement.withUnsafeBytes { bytes in
            if let place, batches[place].takes(bytes.count) {
                batches[place].append(bytes, index: index, isNumbered: write.isNumbered)
            } else {
                var batch = WriteBatch(write.kind, on: self, ordered: ordered)
                batch.append(bytes, index: index, isNumbered: write.isNumbered)
                batches.append(batch)
            }
        }
    }
}
