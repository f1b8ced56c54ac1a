import Foundation
package import QuartetCore

/// What orders tell of who ordered: the users without their names. What users do not say of themselves is NULL.
package struct MarketUsersViewProjection: Projection {
    package let name = "market_users_view"
    package let progress = "market_projections"
    package let events: Set<EventType> = [.userCreated, .userUpdated, .userDeleted]
    package let key = (column: "user_id", type: "uuid")
    package let columns = ["gender", "age", "age_group", "region"]
    package let source = """
        SELECT user_id, gender, age::integer AS age, age_group, region, version, deleted_at IS NOT NULL AS is_deleted,
            updated_at AS changed_at
        FROM {users}
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
