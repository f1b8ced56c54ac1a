package import QuartetDatabases
package import QuartetHTTP
import ServiceSupport

/// What is kept of Quartet itself: settings that count while processes run, and callers' keys.
package struct SystemService: ShopService {
    package static let schema = ServiceSchema(
        "system", in: .dropship,
        tables: [Table("system_config"), Table("system_config_history"), Table("api_keys")],
        migrations: [
            Migration(1, "system", PackageResources._001_system_sql),
            Migration(2, "api_keys", PackageResources._002_api_keys_sql),
            Migration(3, "sync_accounts", PackageResources._003_sync_accounts_sql),
        ])

    package static let callDescription = PackageResources.calls_json

    /// Keeps this process at what is set.
    package let watch: SystemWatch
    /// Those that this process knows.
    package let keys: KeyRing
    private let configEndpoints: ConfigEndpoints
    private let keyEndpoints: KeyEndpoints

    package init(databases: Databases) throws { try self.init(databases: databases, settings: NoLiveSettings()) }

    package init(databases: Databases, settings: any LiveSettings) throws {
        let config = try ConfigStore(databases: databases)
        let store = try KeyStore(databases: databases)
        let ring = KeyRing()
        let watch = SystemWatch(
            config: config, settings: settings, keys: store, ring: ring,
            bells: try databases.client(of: Self.schema))
        self.watch = watch
        keys = ring
        configEndpoints = ConfigEndpoints(store: config, settings: settings) { watch.look() }
        keyEndpoints = KeyEndpoints(store: store) { try await watch.refreshKeys() }
    }

    package func addRoutes(to routes: ServiceRouter) {
        configEndpoints.add(to: routes.routes)
        keyEndpoints.add(to: routes.routes)
    }
}
