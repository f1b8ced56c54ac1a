import QuartetCore
import QuartetDatabases

/// The cursors and the snapshot that a read went by: a line with the snapshot and the reader's number, then one for each shard.
struct StoredOutboxContext {
    let snapshot: OutboxSnapshot
    let cursors: [Int: OutboxCursor]
    /// How many rows of each shard the read came by.
    let counts: [Int: Int]

    init(text: String) throws {
        let lines = text.split(separator: "\n")
        let first = (lines.first ?? "").split(separator: " ").map(String.init)
        guard first.count == 2, let own = UInt64(first[1]), let snapshot = OutboxSnapshot(text: first[0], own: own)
        else {
            throw PostgresStoreError(.unreadableRow, "\(text.prefix(100)) begins with no snapshot")
        }
        var cursors: [Int: OutboxCursor] = [:]
        var counts: [Int: Int] = [:]
        for line in lines.dropFirst() {
            guard let shard = Shard(line) else {
                throw PostgresStoreError(.unreadableRow, "\(line.prefix(100)) is no cursor")
            }
            cursors[shard.number] = shard.cursor
            counts[shard.number] = shard.rows
        }
        self.snapshot = snapshot
        self.cursors = cursors
        self.counts = counts
    }

    private struct Shard {
        let number, rows: Int
        let cursor: OutboxCursor

        init?(_ line: Substring) {
            let fields = line.split(separator: " ")
            guard fields.count == 9, let number = Int(fields[0]), let position = Int64(fields[1]),
                let epoch = Int(fields[2]), let settled = Int64(fields[3]), let candidate = Int64(fields[4]),
                let candidateEnd = UInt64(fields[5]), let pending: [UInt64] = Self.array(fields[6]),
                let after: [Int64] = Self.array(fields[7]), pending.count == after.count, let rows = Int(fields[8])
            else { return nil }
            self.number = number
            self.rows = rows
            cursor = OutboxCursor(
                position: position,
                pending: zip(pending, after).map { OutboxCursor.Pending(transaction: $0, after: $1) }, epoch: epoch,
                settled: settled, candidate: candidate, candidateEnd: candidateEnd)
        }

        /// An array as PostgreSQL writes it.
        private static func array<Number: FixedWidthInteger>(_ text: Substring) -> [Number]? {
            let items = text.dropFirst().dropLast().split(separator: ",")
            let numbers = items.compactMap { Number($0) }
            return numbers.count == items.count ? numbers : nil
        }
    }
}
