import Foundation
package import QuartetCore

/// The users, for those who read them in another database.
package struct UsersViewProjection: Projection {
    package let name = "users_view"
    package let events: Set<EventType> = [.userCreated, .userUpdated, .userDeleted]
    package let key = (column: "user_id", type: "uuid")
    package let columns = ["nickname", "name", "email", "profile_image"]
    package let source = """
        SELECT u.user_id, u.nickname, coalesce(p.name, '') AS name, coalesce(p.email, '') AS email, p.profile_image,
            u.version, u.deleted_at IS NOT NULL AS is_deleted, u.updated_at AS changed_at
        FROM {users} u LEFT JOIN {user_profiles} p USING (user_id)
        """

    package var consequences: [String] {
        [
            Leaving.statement(.profiles, ("user_id", "text"), of: name, key: key),
            Leaving.statement(.watchList, ("user_id", "uuid"), of: name, key: key),
        ]
    }

    package init() {}

    package func row(for event: DomainEvent) throws(EventDecodingError) -> ReadModelRow {
        guard let id = UUID(uuidString: event.aggregateID)?.uuidString.lowercased() else {
            throw EventDecodingError(reason: "the subject is no user's id")
        }
        guard event.type != .userDeleted else {
            return ReadModelRow(key: id, of: event, isDeleted: true, ["nickname": "", "name": "", "email": ""])
        }
        let user = try event.payload(as: UserPayload.self)
        return ReadModelRow(
            key: id, of: event,
            [
                "nickname": user.nickname, "name": user.name, "email": user.email,
                "profile_image": user.profileImage,
            ])
    }
}
