package import Foundation

/// A user of the shop, at a version.
package struct User: Sendable, Hashable {
    package let id: UUID
    package let nickname: String
    package let name: String
    package let email: String
    package let profileImage: String?
    /// What else is known, as the fields of a JSON object: gender, age, age_group, region, join_date. Copies have none.
    package let facts: [UInt8]?
    package let version: Int64
    package let isDeleted: Bool
    /// At the source.
    package let changedAt: Date

    package init(
        id: UUID, nickname: String, name: String, email: String, profileImage: String? = nil, facts: [UInt8]? = nil,
        version: Int64, isDeleted: Bool = false, changedAt: Date
    ) {
        self.id = id
        self.nickname = nickname
        self.name = name
        self.email = email
        self.profileImage = profileImage
        self.facts = facts
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
    package let facts: UserFacts

    package init(
        nickname: String, name: String, email: String, profileImage: String? = nil, facts: UserFacts = UserFacts()
    ) {
        self.nickname = nickname
        self.name = name
        self.email = email
        self.profileImage = profileImage
        self.facts = facts
    }
}

/// What a shop knows of a user, each of it or not.
package struct UserFacts: Sendable, Hashable {
    package var gender: String?
    /// In years.
    package var age: Int?
    /// `30s` for instance; made of the age unless given.
    package var ageGroup: String?
    package var region: String?
    /// As YYYY-MM-DD.
    package var joinDate: String?

    package init() {}
}
