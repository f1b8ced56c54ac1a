package import QuartetDatabases
package import QuartetHTTP
import ServiceSupport

/// Who there is: users and what they say of themselves.
package struct AuthService: ShopService {
    package static let schema = ServiceSchema(
        "auth", in: .dropship, tables: [Table("users"), Table("user_profiles")],
        migrations: [Migration(1, "users", PackageResources._001_users_sql, formers: [("dropship", 5)])])

    package static let callDescription = PackageResources.calls_json

    private let users: PostgresUserStore

    package init(databases: Databases) throws {
        users = try PostgresUserStore(databases: databases)
    }

    package func addRoutes(to routes: ServiceRouter) { UserEndpoints(users: users).add(to: routes.routes) }
}
