import QuartetCore
import Testing

/// Expects `all`, whose keys are `ids`, in order: whole, cut on either side, and up to a limit.
///
/// - Parameter ids: five of them.
func expectStretches<Row: Equatable & Sendable>(
    of all: [Row], _ ids: [RequestID], _ read: (KeyRange, Int) async throws -> [Row],
    at location: SourceLocation = #_sourceLocation
) async throws {
    func expect(_ range: KeyRange, limit: Int = 99, _ rows: some Sequence<Row>) async throws {
        #expect(try await read(range, limit) == Array(rows), sourceLocation: location)
    }
    try await expect(KeyRange(), all)
    try await expect(KeyRange(), limit: 2, all[..<2])
    try await expect(KeyRange(after: ids[0]), all[1...])
    try await expect(KeyRange(through: ids[2]), all[...2])
    try await expect(KeyRange(after: ids[1], through: ids[3]), limit: 1, [all[2]])
    try await expect(KeyRange(after: ids[4]), [])
}

/// New ids in the order in which stores sort them.
func sortedIDs(_ count: Int) -> [RequestID] { (0..<count).map { _ in RequestID.make() }.sorted() }
