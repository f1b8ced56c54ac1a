package import Foundation

/// What the checker reads of copies in Redis and their rows, and mends.
package protocol CacheCheckStore: Sendable {
    /// Calls `body` with page after page of the keys in Quartet's namespaces. A key may come twice.
    func forEachPage(size: Int, _ body: @Sendable ([CachedKey]) async throws -> Void) async throws

    /// These keys as they are now, nil where there is none.
    func keys(_ names: [[UInt8]]) async throws -> [CachedKey?]

    /// The versions of the rows behind cache entries and when they came about, nil where there is no row.
    func rows(of keys: [CacheKey]) async throws -> [(version: Int64, since: Date)?]

    /// Makes keys that never expire do so after their family's time. Those that expire keep theirs.
    func expire(_ names: [[UInt8]]) async throws
}
