import Foundation
package import QuartetCore

/// What orders tell of who ordered: the users without their names. What users do not say of themselves is NULL.
package struct MarketUsersViewProjection: Projection {
    package let name = "market_users_view"
    package let progress = "market_projections"
    package let events: Set<EventType> = [.userCreated, .userUpdated, .userDeleted]
    package let key = (column: "user_id", type: "uuid")
    package let columns = ["gender", "age", "age_group", "region"]
    // By way of JSON: these columns may still be to come.
    package let source = """
        SELECT u.user_id, j.u ->> 'gender' AS gender, (j.u ->> 'age')::integer AS age, j.u ->> 'age_group' AS age_group,
            j.u ->> 'region' AS region, u.version, u.deleted_at IS NOT NULL AS is_deleted, u.updated_at AS changed_at
        FROM {users} u CROSS JOIN LATERAL (SELECT to_jsonb(u) AS u) j
        """

    package init() {}

    package func row(for event: DomainEvent) throws(EventDecodingError) -> ReadModelRow {
        guard let id = UUID(uuidString: event.aggregateID)?.uuidString.lowercased() else {
            throw EventDecodingError(reason: "the subject is no user's id")
        }
        guard event.type != .userDeleted else { return ReadModelRow(key: id, of: event, isDeleted: true, [:]) }
        let user = try event.payload(as: ViewedUser.self)
        return ReadModelRow(
            key: id, of: event,
            [
                "gender": user.gender, "age": user.age.map(String.init), "age_group": user.ageGroup,
                "region": user.region,
            ])
    }
}

/// What an event tells of a user.
private struct ViewedUser: EventPayload {
    static let fields = "gender, age, age_group and region"

    let gender, ageGroup, region: String?
    let age: Int32?

    enum CodingKeys: String, CodingKey {
        case gender, age, region
        case ageGroup = "age_group"
    }
}
