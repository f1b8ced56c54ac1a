package import QuartetDatabases
package import QuartetHTTP
package import ServiceSupport

/// Who there is: users and what they say of themselves.
package struct AuthService: ShopService {
    package static let schema = ServiceSchema(
        "auth", in: .dropship, tables: [Table("users"), Table("user_profiles")],
        migrations: [
            Migration(1, "users", PackageResources._001_users_sql, formers: [("dropship", 5)]),
            Migration(2, "user_turns", PackageResources._002_user_turns_sql),
            Migration(3, "user_facts", PackageResources._003_user_facts_sql),
            Migration(4, "user_lists", PackageResources._004_user_lists_sql),
        ])

    package static let callDescription = PackageResources.calls_json

    package let resources: [any ServedResource]

    package let agingRows: [AgingRows]
    private let users: PostgresUserStore

    package init(databases: Databases) throws {
        let document = """
            json_strip_nulls(json_build_object('id', t.user_id, 'nickname', t.nickname, 'name', p.name, 'email', p.email,
                'profile_image', p.profile_image, 'gender', t.gender, 'age', t.age, 'age_group', t.age_group,
                'region', t.region, 'join_date', t.join_date, 'version', t.version))::text
            """
        agingRows = [
            try AgingRows(
                "users", of: Self.schema, from: "{users} t JOIN {user_profiles} p USING (user_id)",
                key: ("user_id", "uuid"), document: document, databases: databases)
        ]
        users = try PostgresUserStore(databases: databases)
        resources = [
            try ResourceEndpoints(Self.users, of: Self.schema, databases: databases), UserImport(users: users),
        ]
    }

    package func addRoutes(to routes: ServiceRouter) { UserEndpoints(users: users).add(to: routes.routes) }
}
