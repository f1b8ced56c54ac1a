import Foundation
import HTTPTypes
import Hummingbird
import QuartetCore
import QuartetDatabases
import QuartetHTTP
import ServiceSupport

extension AuthService {
    /// Users as all resources are listed and imported. One by one they have calls of their own.
    static let users = Resource(
        "users", one: "user", in: Table("users"),
        from: """
            (SELECT u.user_id::text COLLATE "C" AS user_id, u.nickname, p.name, p.email, p.profile_image, u.gender, u.age,
                u.age_group, u.region, u.join_date, u.version, u.created_at, u.updated_at, u.deleted_at
            FROM {users} u JOIN {user_profiles} p ON p.user_id = u.user_id)
            """,
        key: "user_id", hasUUIDs: true,
        columns: [
            Column("nickname", .text(bytesMax: 512), .required),
            Column("name", .text(bytesMax: 512), .required),
            Column("email", .text(bytesMax: 512), .required),
            Column("profile_image", .text(bytesMax: 512)),
            Column("gender", .text(bytesMax: 512)),
            Column("age", .integer(0...150)),
            Column("age_group", .text(bytesMax: 512)),
            Column("region", .text(bytesMax: 512), .filter),
            Column("join_date", .date),
        ],
        elsewhere: [.create, .importing, .get, .put, .patch, .delete])

    /// The same to import.
    static let incomingUsers = Resource(
        "users", one: "user", in: users.table, key: users.key, hasUUIDs: true, columns: users.columns,
        elsewhere: [.list, .create, .get, .put, .patch, .delete])
}

/// `POST /v1/users:import`.
struct UserImport: ServedResource {
    let users: PostgresUserStore
    let name = AuthService.incomingUsers.name

    var description: [UInt8] { AuthService.incomingUsers.description }

    func addRoutes(to routes: ServiceRouter) {
        let importing = ResourceImport(AuthService.incomingUsers) { [users] rows, _ in try await Self.store(rows, users)
        }
        let hint = routes.onChange
        routes.routes.post("users:import") { try await importing.run($0, $1, hint) }
    }

    private static func store(
        _ rows: ArraySlice<ResourceImport.Row>, _ users: PostgresUserStore
    ) async throws -> (changes: [ResourceChange], refused: [ResourceImport.Refused]) {
        var (known, refused): ([UUID: (place: Int, details: UserDetails)], [ResourceImport.Refused]) = ([:], [])
        for row in rows {
            do throws(Problem) {
                let (id, details) = try Self.user(row)
                // Of one that comes twice, the last counts.
                if known[id].map({ $0.place < row.place }) ?? true { known[id] = (row.place, details) }
            } catch {
                refused.append(ResourceImport.Refused(row, error))
            }
        }
        let sorted = known.map { (id: $0.key, details: $0.value.details) }.sorted { $0.id < $1.id }
        let changed = try await users.put(sorted)
        return (changed.map { ResourceChange(resource: "users", id: $0.id, version: $0.version) }, refused)
    }

    private static func user(_ row: ResourceImport.Row) throws(Problem) -> (UUID, UserDetails) {
        guard let id = UUID(uuidString: row.id), id.uuidString.contains(where: { $0 != "0" && $0 != "-" }) else {
            throw Problem(.unprocessableContent, "bad-value", "id is a UUID")
        }
        let values = row.row
        guard let nickname = values.text("nickname"), let name = values.text("name"), let email = values.text("email")
        else { throw Problem(.unprocessableContent, "missing-field", "nickname, name and email are required") }
        var facts = UserFacts()
        facts.gender = values.text("gender")
        facts.age = values.integer("age").map(Int.init)
        facts.ageGroup = values.text("age_group")
        facts.region = values.text("region")
        facts.joinDate = values.text("join_date")
        return (
            id,
            UserDetails(
                nickname: nickname, name: name, email: email, profileImage: values.text("profile_image"), facts: facts)
        )
    }
}
