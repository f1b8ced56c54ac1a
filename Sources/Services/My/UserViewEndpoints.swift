import ClientSupport
import Foundation
import Hummingbird
import QuartetCore
import QuartetHTTP
import ServiceSupport

/// `GET /v1/my/users/{id}`, which reads the copy alone.
struct UserViewEndpoints: Sendable {
    /// How long a reader waits for a version that the copy has not got yet, and how often it looks.
    private static let waitMax: Duration = .seconds(2)
    private static let waitStep: Duration = .milliseconds(20)

    let view: PostgresUsersView

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("my/users/{id}", use: viewed)
    }

    @Sendable private func viewed(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.userID()
        let wanted = Int64(try request.queryInteger("min_version", in: 1...Int.max, fallback: nil) ?? 0)
        let deadline = Deadline.after(Self.waitMax)
        while true {
            let user = try await view.get(id)
            if let user, user.version >= wanted {
                guard !user.isDeleted else { throw Problem.unknownUser(id) }
                return Response(json: user.json)
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
}
