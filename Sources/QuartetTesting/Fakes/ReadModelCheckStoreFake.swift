package import Foundation
package import QuartetCore
import Synchronization

/// Users and their copy in memory.
package final class FakeReadModelCheckStore: ReadModelCheckStore {
    private struct Sides {
        var source: [UUID: User] = [:]
        var copy: [UUID: User] = [:]
    }

    private let sides = Mutex(Sides())

    package init() {}

    package func plant(source: User? = nil, copy: User? = nil) {
        sides.withLock { sides in
            if let source { sides.source[source.id] = source }
            if let copy { sides.copy[copy.id] = copy }
        }
    }

    package func source(behind after: UUID?, limit: Int) async throws -> [User] {
        Self.page(sides.withLock { Array($0.source.values) }, after, limit)
    }

    package func copy(behind after: UUID?, limit: Int) async throws -> [User] {
        Self.page(sides.withLock { Array($0.copy.values) }, after, limit)
    }

    package func source(_ ids: [UUID]) async throws -> [User] {
        sides.withLock { s in ids.compactMap { s.source[$0] } }
    }
    package func copy(_ ids: [UUID]) async throws -> [User] { sides.withLock { s in ids.compactMap { s.copy[$0] } } }

    package func replace(_ users: [User], removing ids: [UUID], seen: [User]) async throws {
        sides.withLock { sides in
            for user in users where sides.copy[user.id]?.version == seen.first(where: { $0.id == user.id })?.version {
                sides.copy[user.id] = user
            }
            for id in ids { sides.copy[id] = nil }
        }
    }

    private static func page(_ users: [User], _ after: UUID?, _ limit: Int) -> [User] {
        let start = RequestID(after ?? RequestID.lowest.uuid)
        return Array(
            users.filter { RequestID($0.id) > start }.sorted { RequestID($0.id) < RequestID($1.id) }.prefix(limit))
    }
}
