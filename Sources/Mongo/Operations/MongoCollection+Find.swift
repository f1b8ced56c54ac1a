package import ClientSupport

extension MongoCollection {
    package func findOne(
        _ filter: BSONDocument = [:], _ options: MongoFindOptions = MongoFindOptions(), deadline: Deadline? = nil
    ) async throws -> BSONDocument? {
        var options = options
        options.limit = 1
        return try await find(filter, options, deadline: deadline).first
    }

    /// All matching documents at once. For large results use ``stream(_:_:)``.
    package func find(
        _ filter: BSONDocument = [:], _ options: MongoFindOptions = MongoFindOptions(), deadline: Deadline? = nil
    ) async throws -> [BSONDocument] {
        var options = options
        // As much as a reply holds: the server's own first batch is 101 documents.
        options.batchSize = options.batchSize ?? options.limit.map { $0 + 1 } ?? Int(Int32.max)
        return try await all(findRequest(filter, options), batchSize: options.batchSize, deadline: deadline)
    }

    /// Matching documents as they are read. The loop's pace is the server's; leaving it early closes the cursor. Holds a
    /// connection meanwhile. Each batch may take the configuration's `operationTimeout`, the whole as long as it likes.
    package func stream(
        _ filter: BSONDocument = [:], _ options: MongoFindOptions = MongoFindOptions()
    ) -> MongoCursor {
        cursor(findRequest(filter, options), batchSize: options.batchSize)
    }

    package func aggregate(
        _ pipeline: [BSONDocument], options: MongoAggregateOptions = MongoAggregateOptions(), deadline: Deadline? = nil
    ) async throws -> [BSONDocument] {
        var options = options
        options.batchSize = options.batchSize ?? Int(Int32.max)
        return try await all(aggregateRequest(pipeline, options), batchSize: options.batchSize, deadline: deadline)
    }

    /// Like ``stream(_:_:)``.
    package func aggregateStream(
        _ pipeline: [BSONDocument], options: MongoAggregateOptions = MongoAggregateOptions()
    ) -> MongoCursor {
        cursor(aggregateRequest(pipeline, options), batchSize: options.batchSize)
    }

    private func cursor(_ request: MongoRequest, batchSize: Int?) -> MongoCursor {
        var request = request
        // The server would count all batches against it, however long the walk; each has its own deadline here.
        request.takesMaxTime = false
        return MongoCursor(collection: self, request: request, batchSize: batchSize)
    }

    private func all(
        _ request: MongoRequest, batchSize: Int?, deadline: Deadline?
    ) async throws -> [BSONDocument] {
        let deadline = client.deadline(deadline)
        let cursor = OpenCursor(self, batchSize: batchSize)
        var documents = try await cursor.open(request, deadline: deadline)
        while let more = try await cursor.more(deadline: deadline) { documents += more }
        return documents
    }

    private func findRequest(_ filter: BSONDocument, _ options: MongoFindOptions) -> MongoRequest {
        readRequest("find") { writer in
            writer.append("filter", filter)
            writer.append("sort", ifPresent: options.sort)
            writer.append("projection", ifPresent: options.projection)
            writer.append("hint", ifPresent: options.hint)
            writer.append("skip", ifPresent: options.skip)
            writer.append("limit", ifPresent: options.limit)
            writer.append("batchSize", ifPresent: options.batchSize)
        }
    }

    private func aggregateRequest(_ pipeline: [BSONDocument], _ options: MongoAggregateOptions) -> MongoRequest {
        let last = pipeline.last?.first { _ in true }?.key
        let writes = last == "$out" || last == "$merge"
        var request = readRequest("aggregate") { writer in
            writer.append("pipeline", pipeline)
            writer.appendDocument("cursor") { $0.append("batchSize", ifPresent: options.batchSize) }
            writer.append("hint", ifPresent: options.hint)
            if options.allowDiskUse { writer.append("allowDiskUse", true) }
            if writes { writer.append("writeConcern", writeConcern.document) }
        }
        if writes {
            request.repetition = .never
            request.isWrite = true
        }
        return request
    }
}
