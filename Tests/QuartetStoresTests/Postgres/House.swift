import Catalog
import Market
import Postgres
import QuartetDatabases
import QuartetMigrations

extension TableMap {
    /// Of the analysis pipeline, and of the services whose products and listings it looks at.
    static let house = TableMap(services: ServiceSchema.pipeline + [CatalogService.schema, MarketService.schema])

    init() { self = .house }
}

extension Databases {
    init(clients: [DatabaseName: PostgresClient]) { self.init(tables: .house, clients: clients) }
}
