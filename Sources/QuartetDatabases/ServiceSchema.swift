/// What a service has in the databases: its tables, all in one place, and how they come about.
package struct ServiceSchema: Sendable, Hashable {
    package let name: String
    /// Where its tables are unless the table map says otherwise.
    package let database: DatabaseName
    package let schema: String
    package let tables: [Table]
    /// Functions of its own, which its SQL names as it does tables.
    package let functions: [Table]
    package let migrations: [Migration]
    /// What it has besides, where its database has an extension.
    package let extensions: [ExtensionPart]
    /// Whether it has connections of its own, so that it stops itself alone. The analysis pipeline uses those of its
    /// database.
    package let hasOwnPool: Bool

    package init(
        _ name: String, in database: DatabaseName, schema: String? = nil, tables: [Table], functions: [Table] = [],
        migrations: [Migration], extensions: [ExtensionPart] = [], hasOwnPool: Bool = true
    ) {
        self.name = name
        self.database = database
        self.schema = schema ?? name
        self.tables = tables
        self.functions = functions
        self.migrations = migrations
        self.extensions = extensions
        self.hasOwnPool = hasOwnPool
    }

    package func owns(_ table: Table) -> Bool { tables.contains(table) || functions.contains(table) }
}
