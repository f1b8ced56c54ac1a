import Mongo

extension MongoCollection {
    /// The most pipelines in one aggregation; the server takes 1000 stages.
    static let unionMax = 500

    /// Runs small pipelines on this collection in one round trip and returns all of their documents.
    ///
    /// Each pipeline keeps its own `$limit`, which an `$or` can't give. The server does not promise the order of the
    /// parts, so documents must say whose they are.
    func union(_ pipelines: [[BSONDocument]]) async throws -> [BSONDocument] {
        precondition(pipelines.count <= Self.unionMax, "the caller splits")
        guard let first = pipelines.first else { return [] }
        let others = pipelines.dropFirst().map { pipeline -> BSONDocument in
            ["$unionWith": ["coll": .string(name), "pipeline": .array(pipeline)]]
        }
        return try await aggregate(first + others)
    }
}

extension Array {
    /// The array in consecutive slices of at most `size` elements.
    func slices(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
