import ClientSupport

/// What the stores on PostgreSQL find wrong themselves. What the server or the connection reports stays a
/// `PostgresError`.
package struct PostgresStoreError: StoreFailure, Equatable {
    package enum Code: String, Sendable, Hashable {
        /// A value that PostgreSQL can't keep, found before anything was sent.
        case invalidInput
        /// A row that this build can't read.
        case unreadableRow
        /// Rows that changed again each time they were looked at.
        case contention
        /// The table map, or SQL that does not fit it.
        case tableMap
        /// A unit of work that would write a second database.
        case twoDatabases
        /// A database's schema is not the one that this build needs.
        case migration
        /// A table is not as the migrations made it: somebody has changed it.
        case alteredTable
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var mayHaveHappened: Bool { false }
    package var isRetriable: Bool { code == .contention || code == .alteredTable }
    package var isUnavailable: Bool { false }
    package var isContended: Bool { code == .contention }
    package var isRefusedValue: Bool { code == .invalidInput }
    package var description: String { message }
}
