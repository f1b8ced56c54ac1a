package import QuartetDatabases
package import QuartetHTTP
import ServiceSupport

/// What users see of themselves: read models, in a database of their own or another service's.
package struct MyService: ShopService {
    package static let schema = ServiceSchema(
        "my", in: .market, tables: [Table("users_view"), Table("projections")],
        migrations: [
            Migration(1, "users_view", PackageResources._001_users_view_sql, formers: [("market", 3)]),
            Migration(2, "projections", PackageResources._002_projections_sql),
        ])

    package static let callDescription = PackageResources.calls_json

    private let view: PostgresUsersView

    package init(databases: Databases) throws {
        view = try PostgresUsersView(databases: databases)
    }

    package func addRoutes(to routes: ServiceRouter) { UserViewEndpoints(view: view).add(to: routes.routes) }
}
