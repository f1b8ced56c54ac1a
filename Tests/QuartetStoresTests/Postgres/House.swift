import Catalog
import Postgres
import QuartetDatabases
import QuartetMigrations

extension TableMap {
    /// Of the analysis pipeline, and of the service whose products it looks at.
    static let house = TableMap(services: ServiceSchema.pipeline + [CatalogService.schema])

    init() { self = .house }
}

extension Databases {
    init(clients: [DatabaseName: PostgresClient]) { self.init(tables: .house, clients: clients) }
}
