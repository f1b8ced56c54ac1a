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
        let user = try await users.put(id, details)
        Failpoint.userStored.reached()
        return Response(json: user.json)
    }

    @Sendable private func get(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.userID()
        guard let user = try await users.get(id) else { throw Problem.unknownUser(id) }
        return Response(json: user.json)
    }

    /// The answer carries the version, for those who wait until the copy has it.
    @Sendable private func delete(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.userID()
        let version = try await users.delete(id)
        Failpoint.userDeleted.reached()
        guard let version else { throw Problem.unknownUser(id) }
        return Response(
            json: JSONWriter.object {
                $0.field("id", id.uuidString.lowercased())
                $0.field("version", version)
            })
    }
}

private struct IncomingUser: Decodable {
    let nickname, name, email: String
    let profileImage: String?

    private enum CodingKeys: String, CodingKey {
        case nickname, name, email
        case profileImage = "profile_image"
    }

    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: ["nickname", "name", "email", "profile_image"])
        let values = try decoder.container(keyedBy: CodingKeys.self)
        nickname = try values.decode(String.self, forKey: .nickname)
        name = try values.decode(String.self, forKey: .name)
        email = try values.decode(String.self, forKey: .email)
        profileImage = try values.decodeIfPresent(String.self, forKey: .profileImage)
    }

    func details() throws -> UserDetails {
        for (field, text) in [
            ("nickname", nickname), ("name", name), ("email", email), ("profile_image", profileImage),
        ] {
            guard let text else { continue }
            guard (1...512).contains(text.utf8.count), !text.utf8.contains(0) else {
                throw Problem(.unprocessableContent, "bad-value", "\(field) is 1 to 512 bytes")
            }
        }
        return UserDetails(nickname: nickname, name: name, email: email, profileImage: profileImage)
    }
}
