package import QuartetDatabases
package import QuartetHTTP
import ServiceSupport

/// What is kept of Quartet itself: settings that count while processes run.
package struct SystemService: ShopService {
    package static let schema = ServiceSchema(
        "system", in: .dropship, tables: [Table("system_config"), Table("system_config_history")],
        migrations: [Migration(1, "system", PackageResources._001_system_sql)])

    package static let callDescription = PackageResources.calls_json

    /// Keeps this process at what is set.
    package let watch: SystemWatch
    private let config: ConfigEndpoints

    package init(databases: Databases) throws { try self.init(databases: databases, settings: NoLiveSettings()) }

    package init(databases: Databases, settings: any LiveSettings) throws {
        let store = try ConfigStore(databases: databases)
        let watch = SystemWatch(
            store: store, settings: settings, bells: try databases.client(of: Self.schema))
        self.watch = watch
        config = ConfigEndpoints(store: store, settings: settings) { watch.ring() }
    }

    package func addRoutes(to routes: ServiceRouter) { config.add(to: routes.routes) }
}
