import ClientSupport
import Foundation
import HTTPTypes
import Hummingbird
import QuartetCore

/// `PUT`, `GET` and `DELETE /v1/users/{id}`, and `GET /v1/my/users/{id}`, which reads the copy alone.
struct UserEndpoints: Sendable {
    /// How long a reader waits for a version that the copy has not got yet, and how often it looks.
    private static let waitMax: Duration = .seconds(2)
    private static let waitStep: Duration = .milliseconds(20)

    let users: any UserStore
    let view: any UsersView

    func add(to routes: RouterGroup<APIContext>) {
        routes.put("users/{id}", use: put)
        routes.get("users/{id}", use: get)
        routes.delete("users/{id}", use: delete)
        routes.get("my/users/{id}", use: viewed)
    }

    @Sendable private func put(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.userID()
        let body = try await context.body(of: request, atMost: 16_384)
        let details = try StrictJSON.decode(IncomingUser.self, from: body).details()
        let user = try await users.put(id, details)
        Failpoint.userStored.reached()
        return Response(json: Self.json(user))
    }

    @Sendable private func get(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.userID()
        guard let user = try await users.get(id) else { throw Problem.unknownUser(id) }
        return Response(json: Self.json(user))
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

    @Sendable private func viewed(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.userID()
        let wanted = Int64(try request.queryInteger("min_version", in: 1...Int.max, fallback: nil) ?? 0)
        let deadline = Deadline.after(Self.waitMax)
        while true {
            let user = try await view.get(id)
            if let user, user.version >= wanted {
                guard !user.isDeleted else { throw Problem.unknownUser(id) }
                return Response(json: Self.json(user))
            }
            if wanted == 0 { throw Problem.unknownUser(id) }
            guard !deadline.isPast else {
                let present = user.map { "version \($0.version)" } ?? "no version"
                throw Problem(
                    .conflict, "not-yet", "the copy has \(present) of user \(id.uuidString.lowercased())",
                    retryAfterSeconds: 1)
            }
            try await ContinuousClock().sleep(until: .now.advanced(by: Self.waitStep))
        }
    }

    private static func json(_ user: User) -> [UInt8] {
        JSONWriter.object {
            $0.field("id", user.id.uuidString.lowercased())
            $0.field("nickname", user.nickname)
            $0.field("name", user.name)
            $0.field("email", user.email)
            $0.field("profile_image", ifPresent: user.profileImage)
            $0.field("version", user.version)
        }
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

extension APIContext {
    /// The user's id in the path.
    fileprivate func userID() throws -> UUID {
        let text = parameters.get("id") ?? ""
        // All zeros comes before every id.
        guard let id = UUID(uuidString: text), id.uuidString.contains(where: { $0 != "0" && $0 != "-" }) else {
            throw Problem(.badRequest, "bad-user-id", "\(text.prefix(64)) is no user id, which is a UUID")
        }
        return id
    }
}

extension Problem {
    fileprivate static func unknownUser(_ id: UUID) -> Problem {
        Problem(.notFound, "unknown-user", "there is no user \(id.uuidString.lowercased())")
    }
}
