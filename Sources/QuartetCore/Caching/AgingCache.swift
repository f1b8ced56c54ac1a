package import Foundation

/// A row as callers get it.
package struct AgingRow: Sendable, Hashable {
    package let id: String
    package let json: [UInt8]

    package init(id: String, json: [UInt8]) {
        self.id = id
        self.json = json
    }
}

/// How far the turns of a table's rows are.
package struct AgingTurns: Sendable, Hashable {
    package let rows: Int
    /// Those that had no turn yet.
    package let new: Int
    /// The last turn of the row that waits longest among the others.
    package let oldest: Date?

    package init(rows: Int, new: Int, oldest: Date?) {
        self.rows = rows
        self.new = new
        self.oldest = oldest
    }
}

/// A table whose rows take turns in an aging cache: each remembers when it had its last one.
package protocol AgingSource: Sendable {
    /// The cache's name, `users` for instance.
    var name: String { get }

    /// Whose turn it is: up to `new` rows that never had one, and up to `old` of those whose last one was longest ago.
    func next(new: Int, old: Int) async throws -> [AgingRow]

    /// They had their turn now. Rows that somebody is changing are left out, and come again.
    func stamp(_ ids: [String]) async throws

    func turns() async throws -> AgingTurns

    /// Takes the turns of rows away, in the order of their keys from the first one behind `id` on.
    ///
    /// - Returns: the last row's id and how many they were; nil behind the last.
    func forgetTurns(after id: String, limit: Int) async throws -> (id: String, count: Int)?
}

/// Where the rows are whose turn it is.
package protocol AgingCacheStore: Sendable {
    /// Makes the turn this process's for `interval`; nil if it is, and otherwise how long it is another's.
    func takeTurn(of cache: String, for interval: Duration) async throws -> Duration?

    /// Lets others take it: what it was taken for failed.
    func giveUpTurn(of cache: String) async throws

    /// These rows and no others, for as long as `life` unless others come.
    func replace(_ rows: [AgingRow], of cache: String, life: Duration) async throws

    /// Up to `count` different ones, and how old they are; nil if there are none.
    func random(_ count: Int, of cache: String) async throws -> (rows: [AgingRow], age: Duration)?

    func state(of cache: String) async throws -> AgingCacheState

    /// Removes the rows and the turn.
    func clear(_ cache: String) async throws
}

package struct AgingCacheState: Sendable, Hashable {
    package let rows: Int
    package let bytes: Int
    /// Nil while there are none.
    package let refreshedAt: Date?
    /// How long until the next turn; zero if nobody has it.
    package let nextTurn: Duration

    package init(rows: Int, bytes: Int, refreshedAt: Date?, nextTurn: Duration) {
        self.rows = rows
        self.bytes = bytes
        self.refreshedAt = refreshedAt
        self.nextTurn = nextTurn
    }
}
