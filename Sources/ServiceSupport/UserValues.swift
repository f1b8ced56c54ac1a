package import Foundation
import HTTPTypes
import Hummingbird
package import Postgres
package import QuartetCore
package import QuartetHTTP

extension User {
    /// Of the columns that statements about users give.
    package init(row: PostgresRow) throws {
        let (id, nickname, name, email, image, version, isDeleted, changedAt, facts) = try row.decode(
            UUID.self, String.self, String.self, String.self, String?.self, Int64.self, Bool.self, Date.self,
            [UInt8]?.self)
        self.init(
            id: id, nickname: nickname, name: name, email: email, profileImage: image, facts: facts, version: version,
            isDeleted: isDeleted, changedAt: changedAt)
    }

    /// As callers get it; from copies, without the facts.
    package var json: [UInt8] {
        JSONWriter.object {
            $0.field("id", id.uuidString.lowercased())
            $0.field("nickname", nickname)
            $0.field("name", name)
            $0.field("email", email)
            $0.field("profile_image", ifPresent: profileImage)
            if let facts { $0.fields(ofObject: facts) }
            $0.field("version", version)
        }
    }
}

extension APIContext {
    /// The user's id in the path.
    package func userID() throws -> UUID {
        let text = parameters.get("id") ?? ""
        // All zeros comes before every id.
        guard let id = UUID(uuidString: text), id.uuidString.contains(where: { $0 != "0" && $0 != "-" }) else {
            throw Problem(.badRequest, "bad-user-id", "\(text.prefix(64)) is no user id, which is a UUID")
        }
        return id
    }
}

extension Problem {
    package static func unknownUser(_ id: UUID) -> Problem {
        Problem(.notFound, "unknown-user", "there is no user \(id.uuidString.lowercased())")
    }
}
