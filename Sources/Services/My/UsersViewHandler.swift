import Foundation
package import QuartetCore
import QuartetRoles

/// Keeps the copy of users by their events.
package struct UsersViewHandler: EventHandler {
    package static let name = "users_view"
    package static let topics = [EventTopic.user]

    package var name: String { Self.name }
    package var topics: [EventTopic] { Self.topics }
    package let wantsNewestOnly = true
    private let view: any UsersView

    package init(view: any UsersView) {
        self.view = view
    }

    package func change(for event: DomainEvent) throws(EventDecodingError) -> User? {
        guard event.type.aggregate == .user else { return nil }
        guard let id = UUID(uuidString: event.aggregateID) else {
            throw EventDecodingError(reason: "the subject is no user's id")
        }
        guard event.type != .userDeleted else {
            return User(
                id: id, nickname: "", name: "", email: "", version: event.version, isDeleted: true,
                changedAt: event.occurredAt)
        }
        let payload = try event.payload(as: UserPayload.self)
        return User(
            id: id, nickname: payload.nickname, name: payload.name, email: payload.email,
            profileImage: payload.profileImage, version: event.version, changedAt: event.occurredAt)
    }

    package func apply(_ users: [User]) async throws {
        try await view.apply(users)
        Failpoint.usersProjected.reached()
    }
}
