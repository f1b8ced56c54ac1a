package import Foundation

/// A user of the shop, at a version.
package struct User: Sendable, Hashable {
    package let id: UUID
    package let nickname: String
    package let name: String
    package let email: String
    package let profileImage: String?
    package let version: Int64
    package let isDeleted: Bool
    /// At the source.
    package let changedAt: Date

    package init(
        id: UUID, nickname: String, name: String, email: String, profileImage: String? = nil, version: Int64,
        isDeleted: Bool = false, changedAt: Date
    ) {
        self.id = id
        self.nickname = nickname
        self.name = name
        self.email = email
        self.profileImage = profileImage
        self.version = version
        self.isDeleted = isDeleted
        self.changedAt = changedAt
    }
}

/// What somebody says of a user.
package struct UserDetails: Sendable, Hashable {
    package let nickname: String
    package let name: String
    package let email: String
    package let profileImage: String?

    package init(nickname: String, name: String, email: String, profileImage: String? = nil) {
        self.nickname = nickname
        self.name = name
        self.email = email
        self.profileImage = profileImage
    }
}
