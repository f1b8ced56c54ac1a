import Auth
import Catalog
import Market
import My
import QuartetCore
package import QuartetDatabases
import QuartetMigrations
import ServiceSupport
import Suppliers
import SystemRoom

/// The services of the house, a line each.
package enum HouseServices {
    static let all: [any ShopService.Type] = [
        CatalogService.self,
        AuthService.self,
        MyService.self,
        MarketService.self,
        SuppliersService.self,
        SystemService.self,
    ]

    /// Where everything is unless a configuration says otherwise.
    package static let tables: TableMap = {
        // Whoever knows the tables reads and writes their events.
        EventType.register(all.flatMap { $0.eventTypes })
        return TableMap(services: ServiceSchema.pipeline + all.map { $0.schema })
    }()

    /// The services that can have a role of their own.
    package static var roled: [String] { tables.services.filter(\.hasOwnPool).map(\.name) }

    /// The consumer groups of all of them.
    static var subscriptions: [(service: String, subscription: Subscription)] {
        all.flatMap { service in service.subscriptions.map { (service.schema.name, $0) } }
    }

    /// The service that reads a read model.
    static func owner(of projection: any Projection) -> String {
        all.first { $0.schema.tables.contains(Table(projection.name)) }?.schema.name ?? "quartet"
    }

    /// - Parameter settings: of this process, which the service `system` changes.
    static func make(
        _ databases: Databases, settings: (any LiveSettings)? = nil
    ) throws -> [any ShopService] {
        try all.map { service in
            guard service == SystemService.self, let settings else { return try service.init(databases: databases) }
            return try SystemService(databases: databases, settings: settings)
        }
    }
}
