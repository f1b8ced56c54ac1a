package import QuartetDatabases
package import QuartetHTTP
package import ServiceSupport

/// What users see of themselves, and keep: read models, profiles and the products that they watch, in a database of their own or
/// another service's.
package struct MyService: ShopService {
    package static let schema = ServiceSchema(
        "my", in: .market,
        tables: [
            Table("users_view"), Table("projections"), Table("my_products_view"), .profiles, .watchList,
        ],
        functions: [Table("require_watched"), Table("require_profiled")],
        migrations: [
            Migration(1, "users_view", PackageResources._001_users_view_sql, formers: [("market", 3)]),
            Migration(2, "projections", PackageResources._002_projections_sql),
            Migration(3, "people", PackageResources._003_people_sql),
        ])

    package static let callDescription = PackageResources.calls_json
    package static let references = MyResources.references

    package let resources: [any ServedResource]
    private let view: PostgresUsersView

    package init(databases: Databases) throws {
        resources = try MyResources.all.map { try ResourceEndpoints($0, of: Self.schema, databases: databases) }
        view = try PostgresUsersView(databases: databases)
    }

    package func addRoutes(to routes: ServiceRouter) { UserViewEndpoints(view: view).add(to: routes.routes) }
}
