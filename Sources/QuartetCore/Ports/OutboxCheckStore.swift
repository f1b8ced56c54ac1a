package import Foundation

/// What the checker reads of the outbox.
package protocol OutboxCheckStore: Sendable {
    /// The shards with rows from before `date` that the sink does not have.
    func waiting(before date: Date) async throws -> [WaitingRows]

    /// Where the sinks are.
    func cursors() async throws -> [SweepProgress.Cursor]

    /// Rings for the relays.
    func ring() async throws
}
