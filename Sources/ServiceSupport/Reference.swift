package import QuartetCore
package import QuartetDatabases

/// A column of a service's table that names rows of another service's, which may be in another database.
package struct Reference: Sendable, Hashable {
    package let table: Table
    package let key: String
    package let column: String
    package let target: Table
    package let cure: ReferenceCure
    /// Gives those of the ids $1, an array of text, that are there.
    package let presence: String

    /// - Parameters:
    ///   - targetKey: of `target`, and its type.
    ///   - countsDeleted: whether a row that was deleted is still there for this reference, as it is for what happened once.
    package init(
        _ table: Table, key: String, column: String, to target: Table, targetKey: (name: String, type: String),
        countsDeleted: Bool = false, cure: ReferenceCure
    ) {
        self.init(
            table, key: key, column: column, to: target, cure: cure,
            presence: """
                SELECT \(targetKey.name)::text FROM {\(target)}
                WHERE \(targetKey.name) = ANY ($1::text[]::\(targetKey.type)[])\(countsDeleted ? "" : " AND deleted_at IS NULL")
                """)
    }

    package init(
        _ table: Table, key: String, column: String, to target: Table, cure: ReferenceCure, presence: String
    ) {
        self.table = table
        self.key = key
        self.column = column
        self.target = target
        self.cure = cure
        self.presence = presence
    }
}
