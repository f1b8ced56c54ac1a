package import QuartetDatabases
package import QuartetHTTP
package import QuartetRoles
package import ServiceSupport

/// What users see of themselves: read models, in a database of their own or another service's.
package struct MyService: ShopService {
    package static let schema = ServiceSchema(
        "my", in: .market, tables: [Table("users_view"), Table("projections")],
        migrations: [Migration(1, "users_view", PackageResources._001_users_view_sql, formers: [("market", 3)])])
    package static let subscriptions = [Subscription(UsersViewHandler.name, topics: UsersViewHandler.topics)]

    package static let callDescription = PackageResources.calls_json

    private let view: PostgresUsersView

    package init(databases: Databases) throws {
        view = try PostgresUsersView(databases: databases)
    }

    package var handlers: [any EventHandler] { [UsersViewHandler(view: view)] }

    package func addRoutes(to routes: ServiceRouter) { UserViewEndpoints(view: view).add(to: routes.routes) }
}
