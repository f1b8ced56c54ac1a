import Foundation
import NIOCore
import NIOHTTP1

extension APIClient {
    /// Returns the analysis as the API wrote it.
    func cancel(_ id: String) async throws -> String {
        String(buffer: try await call(.DELETE, "/v1/analyses/\(id)", body: nil))
    }

    /// Returns the analysis as the API wrote it.
    func retry(_ id: String) async throws -> String {
        String(buffer: try await call(.POST, "/v1/analyses/\(id)/retry", body: nil))
    }

    /// Returns the analysis as the API wrote it.
    func drop(_ id: String) async throws -> String {
        String(buffer: try await call(.DELETE, "/v1/dead/\(id)", body: nil))
    }

    /// A failed analysis, and its document as the API wrote it.
    func dead(_ id: String) async throws -> (DeadAnswer, document: String) {
        let body = try await call(.GET, "/v1/dead/\(id)", body: nil)
        return (try decode(body), String(buffer: body))
    }

    /// Every failed analysis, in the order in which they were asked for.
    func allDead() async throws -> [DeadAnswer] {
        var dead: [DeadAnswer] = []
        var query = "?limit=1000"
        while true {
            let page: DeadPage = try await decode(call(.GET, "/v1/dead\(query)", body: nil))
            dead += page.dead
            guard let next = page.next else { return dead }
            query = "?limit=1000&after=\(next)"
        }
    }
}

struct DeadPage: Decodable, Sendable {
    let dead: [DeadAnswer]
    let next: String?
}

struct DeadAnswer: Codable, Sendable {
    let id: String
    let productID: String
    let attempts: Int?
    let failedAt: String?
    let error: String
    let generation: Int?
    let createdAt: String?
    let cards: Int?
    let reviews: Int?

    private enum CodingKeys: String, CodingKey {
        case id, attempts, error, generation, cards, reviews
        case productID = "product_id"
        case failedAt = "failed_at"
        case createdAt = "created_at"
    }
}
