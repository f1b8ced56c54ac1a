import ClientSupport
package import Postgres

/// Rows of another database by keys that were read in this one: there is no join across. What is asked while the last look-up
/// is on the way goes together as the next one.
package struct KeyedLookup<Key: PostgresScalar & Hashable, Value: Sendable>: Sendable {
    package static var keysPerCallMax: Int { 1_000 }

    private let batcher: Batcher<[Key], [Key: Value]>

    /// - Parameters:
    ///   - statement: takes the keys as `= ANY ($1)`.
    ///   - decode: a row's key and value.
    package init(
        _ statement: StoreStatement, decode: @escaping @Sendable (PostgresRow) throws -> (Key, Value)
    ) {
        let find: Batcher<[Key], [Key: Value]>.Perform = { requests in
            let found = try await statement.run(Array(Set(requests.flatMap { $0 }))).reduce(into: [Key: Value]()) {
                let (key, value) = try decode($1)
                $0[key] = value
            }
            return requests.map { keys in
                .success(keys.reduce(into: [:]) { values, key in values[key] = found[key] })
            }
        }
        batcher = Batcher(
            name: statement.name, limits: .init(batchSizeMax: Self.keysPerCallMax), weigh: { $0.count }, perform: find)
    }

    /// The values of those keys that there are.
    package func callAsFunction(_ keys: some Collection<Key>) async throws -> [Key: Value] {
        let keys = Array(keys)
        var values: [Key: Value] = [:]
        for start in stride(from: 0, to: keys.count, by: Self.keysPerCallMax) {
            let chunk = Array(keys[start..<min(start + Self.keysPerCallMax, keys.count)])
            values.merge(try await batcher(chunk)) { first, _ in first }
        }
        return values
    }

    package func callAsFunction(_ key: Key) async throws -> Value? { try await batcher([key])[key] }
}
