package import ClientSupport

extension MongoCollection {
    /// Inserts many documents, in as few commands as they fit into.
    ///
    /// - Returns: how many are new, and for each other one why: `isDuplicateKey` where its key is taken. With `ordered` the
    ///   first such error ends it; otherwise every document is tried.
    package func insertMany(
        _ documents: BSONBatch, ordered: Bool = false, deadline: Deadline? = nil
    ) async throws -> MongoBulkResult {
        let deadline = client.deadline(deadline)
        var result = MongoBulkResult()
        var next = 0
        while next < documents.count {
            let batch = takeInserts(from: documents, next: &next, ordered: ordered)
            let indexes = batch.indexes
            try await send(batch.request(), .insert, indexes, to: &result, deadline: deadline)
            if ordered && !result.errors.isEmpty { break }
        }
        return result
    }

    package func insertMany(
        _ documents: [BSONDocument], ordered: Bool = false, deadline: Deadline? = nil
    ) async throws -> MongoBulkResult {
        try await insertMany(BSONBatch(documents), ordered: ordered, deadline: deadline)
    }

    /// - Throws: a duplicate key too; see `MongoError.isDuplicateKey`.
    package func insertOne(_ document: BSONDocument, deadline: Deadline? = nil) async throws {
        try await insertMany([document], deadline: deadline).throwIfAny()
    }

    private func takeInserts(from documents: BSONBatch, next: inout Int, ordered: Bool) -> WriteBatch {
        let keyBytesMax = 8
        let bytes = min(documents.byteCount + documents.count * keyBytesMax, WriteBatch.bytesMax)
        var batch = WriteBatch(.insert, on: self, ordered: ordered, reservingBytes: bytes)
        documents.withUnsafeBytes { storage in
            while next < documents.count {
                let range = documents.range(of: next)
                guard batch.takes(range.count) else { return }
                batch.append(UnsafeRawBufferPointer(rebasing: storage[range]), index: next)
                next += 1
            }
        }
        return batch
    }
}
