package import ClientSupport

extension MongoCollection {
    /// Updates one document and returns it as it was before, or after with `returnsNew`; nil if there was none.
    package func findOneAndUpdate(
        _ filter: BSONDocument, _ update: MongoUpdate,
        _ options: MongoFindAndModifyOptions = MongoFindAndModifyOptions(), deadline: Deadline? = nil
    ) async throws -> BSONDocument? {
        let request = writeRequest("findAndModify", isNumbered: true) { writer in
            writer.append("query", filter)
            update.append("update", to: &writer)
            if options.returnsNew { writer.append("new", true) }
            if options.upsert { writer.append("upsert", true) }
            writer.append("sort", ifPresent: options.sort)
            writer.append("fields", ifPresent: options.projection)
            writer.append("hint", ifPresent: options.hint)
        }
        return try await write(request, deadline: client.deadline(deadline))["value"]?.asDocument
    }

    /// Deletes one document and returns it; nil if there was none.
    package func findOneAndDelete(
        _ filter: BSONDocument, sort: BSONDocument? = nil, projection: BSONDocument? = nil, deadline: Deadline? = nil
    ) async throws -> BSONDocument? {
        let request = writeRequest("findAndModify", isNumbered: true) { writer in
            writer.append("query", filter)
            writer.append("remove", true)
            writer.append("sort", ifPresent: sort)
            writer.append("fields", ifPresent: projection)
        }
        return try await write(request, deadline: client.deadline(deadline))["value"]?.asDocument
    }
}
