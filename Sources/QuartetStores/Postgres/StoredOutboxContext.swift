import Foundation
import QuartetCore

/// The cursors and the snapshot that a read went by.
struct StoredOutboxContext {
    let snapshot: OutboxSnapshot
    let cursors: [Int: OutboxCursor]

    private struct Document: Decodable {
        struct Cursor: Decodable {
            let shard: Int
            let position, settled, candidate: Int64
            let epoch: Int
            let candidateEnd: String
            let pending: [String]
            let pendingAfter: [Int64]
        }

        let snapshot: String
        let cursors: [Cursor]
    }

    init(json: [UInt8]) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let document = try decoder.decode(Document.self, from: Data(json))
        guard let snapshot = OutboxSnapshot(text: document.snapshot) else {
            throw PostgresStoreError(.unreadableRow, "\(document.snapshot) is no snapshot")
        }
        self.snapshot = snapshot
        cursors = Dictionary(
            document.cursors.map { cursor in
                let pending = zip(cursor.pending, cursor.pendingAfter).compactMap { transaction, after in
                    UInt64(transaction).map { OutboxCursor.Pending(transaction: $0, after: after) }
                }
                return (
                    cursor.shard,
                    OutboxCursor(
                        position: cursor.position, pending: pending, epoch: cursor.epoch, settled: cursor.settled,
                        candidate: cursor.candidate, candidateEnd: UInt64(cursor.candidateEnd) ?? 0)
                )
            }, uniquingKeysWith: { $1 })
    }
}
