package import QuartetCore
package import QuartetDatabases

/// Something that is created, read, changed, deleted, listed and imported by calls that all resources have, declared once.
///
/// Its table has the key and the columns, and `version bigint`, `created_at`, `updated_at` and `deleted_at timestamptz`: a row
/// that was deleted stays, so that its version goes on.
package struct Resource: Sendable {
    /// In paths, and what `quartet import` calls it: `products`.
    package let name: String
    /// What one of them is called: `product`.
    package let noun: String
    package let table: Table
    /// Where its rows are read, where that is not the table alone: a query whose rows have the columns, in parentheses.
    package let source: String?
    /// The column that callers know as `id`.
    package let key: String
    /// Whether ids are UUIDs, and not whatever shops have.
    package let hasUUIDs: Bool
    package let columns: [Column]
    /// Nil: what happens to it is no event.
    package let events: Events?
    /// What is in the way where a constraint of the table is not met, by the constraint's name.
    package let conflicts: [String: String]
    /// What `?q=` of a list looks through; nil where it can't be searched.
    package let search: TextSearch?
    /// Calls that others serve at its paths.
    package let elsewhere: Set<Call>

    package struct Events: Sendable {
        package let created, updated: EventType
        /// Nil where nobody can delete one.
        package let deleted: EventType?

        package init(created: EventType, updated: EventType, deleted: EventType? = nil) {
            self.created = created
            self.updated = updated
            self.deleted = deleted
        }
    }

    package enum Call: String, Sendable, Hashable, CaseIterable {
        case list, create, importing, get, put, patch, delete

        /// Where these are elsewhere, the resource can be read only.
        package static let changing: Set<Call> = [.create, .importing, .put, .patch, .delete]
    }

    package init(
        _ name: String, one noun: String, in table: Table, from source: String? = nil, key: String,
        hasUUIDs: Bool = false, columns: [Column],
        events: Events? = nil, conflicts: [String: String] = [:], search: TextSearch? = nil, elsewhere: Set<Call> = []
    ) {
        self.name = name
        self.noun = noun
        self.table = table
        self.source = source
        self.key = key
        self.hasUUIDs = hasUUIDs
        self.columns = columns
        self.events = events
        self.conflicts = conflicts
        self.search = search
        self.elsewhere = elsewhere
    }

    /// What callers may set.
    package var writable: [Column] { columns.filter { !$0.traits.contains(.readOnly) } }

    /// What callers are told.
    package var shown: [Column] { columns.filter { !$0.traits.contains(.secret) } }

    /// Orders of lists: by the key, and by columns with an index.
    package var sorts: [String] { ["id"] + (columns.filter { $0.traits.contains(.sort) }.map(\.name)) + ["updated_at"] }

    /// Its part of an OpenAPI document.
    package var description: [UInt8] { ResourceDescription(self).json }

    package func column(_ name: String) -> Column? { columns.first { $0.name == name } }
}
