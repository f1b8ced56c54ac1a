package import ClientSupport

extension MongoCollection {
    package func updateOne(
        _ filter: BSONDocument, _ update: MongoUpdate, upsert: Bool = false, hint: BSONValue? = nil,
        deadline: Deadline? = nil
    ) async throws -> MongoUpdateResult {
        let statement = MongoWrite.update(filter, update, multi: false, upsert: upsert, hint: hint)
        return try await self.update(statement, isNumbered: true, deadline: deadline)
    }

    package func updateMany(
        _ filter: BSONDocument, _ update: MongoUpdate, upsert: Bool = false, hint: BSONValue? = nil,
        deadline: Deadline? = nil
    ) async throws -> MongoUpdateResult {
        let statement = MongoWrite.update(filter, update, multi: true, upsert: upsert, hint: hint)
        return try await self.update(statement, isNumbered: false, deadline: deadline)
    }

    package func replaceOne(
        _ filter: BSONDocument, _ replacement: BSONDocument, upsert: Bool = false, deadline: Deadline? = nil
    ) async throws -> MongoUpdateResult {
        let statement = MongoWrite.update(filter, .document(replacement), multi: false, upsert: upsert)
        return try await self.update(statement, isNumbered: true, deadline: deadline)
    }

    /// Returns how many were deleted: 0 or 1.
    package func deleteOne(
        _ filter: BSONDocument, hint: BSONValue? = nil, deadline: Deadline? = nil
    ) async throws -> Int {
        try await single(
            .delete, MongoWrite.delete(filter, limit: 1, hint: hint), isNumbered: true, deadline: deadline
        ).deleted
    }

    /// Returns how many were deleted.
    package func deleteMany(
        _ filter: BSONDocument, hint: BSONValue? = nil, deadline: Deadline? = nil
    ) async throws -> Int {
        try await single(
            .delete, MongoWrite.delete(filter, limit: 0, hint: hint), isNumbered: false, deadline: deadline
        ).deleted
    }

    private func update(
        _ statement: BSONDocument, isNumbered: Bool, deadline: Deadline?
    ) async throws -> MongoUpdateResult {
        let result = try await single(.update, statement, isNumbered: isNumbered, deadline: deadline)
        return MongoUpdateResult(
            matched: result.matched, modified: result.modified, upsertedID: result.upserted.first?.id)
    }

    /// One statement in a command of its own; its error is thrown.
    private func single(
        _ kind: WriteBatch.Kind, _ statement: BSONDocument, isNumbered: Bool, deadline: Deadline?
    ) async throws -> MongoBulkResult {
        var batch = WriteBatch(kind, on: self, ordered: true)
        statement.withUnsafeBytes { batch.append($0, index: 0, isNumbered: isNumbered) }
        let request = batch.request()
        let operation = request.operation
        var result = MongoBulkResult()
        try result.add(try await write(request, deadline: client.deadline(deadline)), kind: kind, indexes: [0])
        if let error = result.errors.first { throw error.asMongoError(operation: operation) }
        return result
    }
}
