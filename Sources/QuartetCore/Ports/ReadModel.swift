package import Foundation

/// A read model, declared once: a copy that a reader's database keeps of rows of another one, by their events. Its table has
/// the key, ``columns``, `version`, `is_deleted`, `changed_at` (at the source) and `applied_at` (here, by default).
package protocol Projection: Sendable {
    /// Of its table, and of the group of consumers that keeps it.
    var name: String { get }
    /// The table of its service that says how far its copy is.
    var progress: String { get }
    /// Those that change it.
    var events: Set<EventType> { get }
    /// The column of its key, and its type.
    var key: (column: String, type: String) { get }
    /// What it has beside its key, its version and its dates.
    var columns: [String] { get }
    /// A SELECT from the tables of the source, `{users}`, that has every column of the copy but `applied_at`.
    var source: String { get }
    /// Statements that follow from rows which events brought, in the same transaction. $1 has their keys, as text; the copy
    /// has them already.
    var consequences: [String] { get }

    /// What an event makes of its row.
    ///
    /// - Throws: `EventDecodingError` where it can't be used: it goes to the dead letters with that reason.
    func row(for event: DomainEvent) throws(EventDecodingError) -> ReadModelRow
}

extension Projection {
    package var progress: String { "projections" }
    package var consequences: [String] { [] }
    package var topics: [EventTopic] { Set(events.map(\.topic)).sorted { $0.rawValue < $1.rawValue } }
}

/// A row of a read model. One that was deleted stays with its version, so that an event that comes late does not bring it back.
package struct ReadModelRow: Sendable {
    package let key: String
    package let version: Int64
    package let isDeleted: Bool
    package let changedAt: Date
    /// By column, as PostgreSQL reads them.
    package let values: [String: String?]

    package init(key: String, of event: DomainEvent, isDeleted: Bool = false, _ values: [String: String?]) {
        self.key = key
        version = event.version
        self.isDeleted = isDeleted
        changedAt = event.occurredAt
        self.values = values
    }
}

/// Where a read model's rows are.
package protocol ReadModelStore: Sendable {
    /// Takes rows in, each where it is newer than what is there.
    func apply(_ rows: [ReadModelRow]) async throws

    /// Keeps what went wrong last, for those who look after it.
    func note(_ error: String) async
}
