package import Foundation
package import QuartetCore
import Synchronization

/// Users in memory, and as their own copy.
package final class FakeUserStore: UserStore, UsersView {
    private let users = Mutex<[UUID: User]>([:])

    package init() {}

    package func put(_ id: UUID, _ details: UserDetails) async throws -> User {
        users.withLock { users in
            let user = User(
                id: id, nickname: details.nickname, name: details.name, email: details.email,
                profileImage: details.profileImage, version: (users[id]?.version ?? 0) + 1, changedAt: .now)
            users[id] = user
            return user
        }
    }

    package func delete(_ id: UUID) async throws -> Int64? {
        users.withLock { users in
            guard let user = users[id], !user.isDeleted else { return nil }
            users[id] = User(
                id: id, nickname: "", name: "", email: "", version: user.version + 1, isDeleted: true, changedAt: .now)
            return user.version + 1
        }
    }

    package func get(_ id: UUID) async throws -> User? {
        users.withLock { $0[id] }.flatMap { $0.isDeleted ? nil : $0 }
    }
}
