package import ClientSupport

extension MongoCollection {
    /// Counts by looking, up to `limit`.
    package func countDocuments(
        _ filter: BSONDocument = [:], limit: Int? = nil, deadline: Deadline? = nil
    ) async throws -> Int {
        var pipeline: [BSONDocument] = [["$match": .document(filter)]]
        if let limit { pipeline.append(["$limit": .int(limit)]) }
        pipeline.append(["$group": ["_id": 1, "n": ["$sum": 1]]])
        return try await aggregate(pipeline, deadline: deadline).first?["n"]?.asInt ?? 0
    }

    /// From the collection's metadata: at once, and off after a crash or in a sharded cluster.
    package func estimatedCount(deadline: Deadline? = nil) async throws -> Int {
        let reply = try await client.run(readRequest("count") { _ in }, deadline: deadline)
        return reply["n"]?.asInt ?? 0
    }
}
