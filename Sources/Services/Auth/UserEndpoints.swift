import Foundation
import HTTPTypes
import Hummingbird
import QuartetCore
import QuartetHTTP
import ServiceSupport

/// `PUT`, `GET` and `DELETE /v1/users/{id}`.
struct UserEndpoints: Sendable {
    let users: PostgresUserStore

    func add(to routes: RouterGroup<APIContext>) {
        routes.put("users/{id}", use: put)
        routes.get("users/{id}", use: get)
        routes.delete("users/{id}", use: delete)
    }

    @Sendable private func put(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.userID()
        let body = try await context.body(of: request, atMost: 16_384)
        let details = try StrictJSON.decode(IncomingUser.self, from: body).details()
        let condition = try Precondition(request.headers)
        guard let user = try await users.put(id, details, condition) else {
            guard let there = try await users.get(id) else { throw Problem.unknownUser(id) }
            guard condition == .absent else { throw Problem.otherVersion(there.version) }
            throw Problem(.conflict, "conflict", "there is a user \(id.uuidString.lowercased()) already")
        }
        Failpoint.userStored.reached()
        return Self.answer(user)
    }

    @Sendable private func get(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.userID()
        guard let user = try await users.get(id) else { throw Problem.unknownUser(id) }
        return Self.answer(user)
    }

    private static func answer(_ user: User) -> Response {
        var response = Response(json: user.json)
        response.headers[.eTag] = "\"\(user.version)\""
        return response
    }

    /// The answer carries the version, for those who wait until the copy has it.
    @Sendable private func delete(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.userID()
        let version = try await users.delete(id, ifVersion: Precondition(request.headers).version)
        Failpoint.userDeleted.reached()
        guard let version else {
            guard let there = try await users.get(id) else { throw Problem.unknownUser(id) }
            throw Problem.otherVersion(there.version)
        }
        return Response(
            json: JSONWriter.object {
                $0.field("id", id.uuidString.lowercased())
                $0.field("version", version)
            })
    }
}

private struct IncomingUser: Decodable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case nickname, name, email, gender, age, region
        case profileImage = "profile_image"
        case ageGroup = "age_group"
        case joinDate = "join_date"
    }

    private let nickname, name, email: String
    private let profileImage: String?
    private let facts: UserFacts

    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: Set(CodingKeys.allCases.map(\.rawValue)))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        nickname = try values.decode(String.self, forKey: .nickname)
        name = try values.decode(String.self, forKey: .name)
        email = try values.decode(String.self, forKey: .email)
        profileImage = try values.decodeIfPresent(String.self, forKey: .profileImage)
        var facts = UserFacts()
        facts.gender = try values.decodeIfPresent(String.self, forKey: .gender)
        facts.age = try values.decodeIfPresent(Int.self, forKey: .age)
        facts.ageGroup = try values.decodeIfPresent(String.self, forKey: .ageGroup)
        facts.region = try values.decodeIfPresent(String.self, forKey: .region)
        facts.joinDate = try values.decodeIfPresent(String.self, forKey: .joinDate)
        self.facts = facts
    }

    func details() throws -> UserDetails {
        for (field, text) in [
            ("nickname", nickname), ("name", name), ("email", email), ("profile_image", profileImage),
            ("gender", facts.gender), ("age_group", facts.ageGroup), ("region", facts.region),
        ] {
            guard let text else { continue }
            guard (1...512).contains(text.utf8.count), !text.utf8.contains(0) else {
                throw Problem(.unprocessableContent, "bad-value", "\(field) is 1 to 512 bytes")
            }
        }
        if let age = facts.age, !(0...150).contains(age) {
            throw Problem(.unprocessableContent, "bad-value", "age is 0 to 150 years")
        }
        if let date = facts.joinDate, !CalendarDate.isValid(date) {
            throw Problem(.unprocessableContent, "bad-value", "join_date is a date as 2026-11-30")
        }
        return UserDetails(nickname: nickname, name: name, email: email, profileImage: profileImage, facts: facts)
    }
}
