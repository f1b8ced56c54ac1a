import ClientSupport
package import Foundation
package import QuartetCore
import Synchronization

/// Aging caches in memory. Turns and rows end by the clock.
package final class FakeAgingCacheStore: AgingCacheStore {
    private struct Cache {
        var rows: [AgingRow] = []
        var refreshedAt: Date?
        var endsAt = Date.distantPast
        var turnEndsAt = Date.distantPast
    }

    private let caches = Mutex<[String: Cache]>([:])
    private let now: @Sendable () -> Date

    package init(now: @escaping @Sendable () -> Date = { .now }) {
        self.now = now
    }

    package func takeTurn(of cache: String, for interval: Duration) async throws -> Duration? {
        caches.withLock { caches in
            let left = caches[cache, default: Cache()].turnEndsAt.timeIntervalSince(now())
            guard left <= 0 else { return .seconds(left) }
            caches[cache, default: Cache()].turnEndsAt = now().addingTimeInterval(interval.seconds)
            return nil
        }
    }

    package func giveUpTurn(of cache: String) async throws {
        caches.withLock { $0[cache]?.turnEndsAt = .distantPast }
    }

    package func replace(_ rows: [AgingRow], of cache: String, life: Duration) async throws {
        caches.withLock { caches in
            caches[cache, default: Cache()].rows = rows
            caches[cache]?.refreshedAt = rows.isEmpty ? nil : now()
            caches[cache]?.endsAt = now().addingTimeInterval(life.seconds)
        }
    }

    package func random(_ count: Int, of cache: String) async throws -> (rows: [AgingRow], age: Duration)? {
        caches.withLock { caches in
            guard let cache = caches[cache], !cache.rows.isEmpty, cache.endsAt > now() else { return nil }
            let age = now().timeIntervalSince(cache.refreshedAt ?? now())
            return (Array(cache.rows.shuffled().prefix(count)), .seconds(age))
        }
    }

    package func state(of cache: String) async throws -> AgingCacheState {
        caches.withLock { caches in
            let cache = caches[cache] ?? Cache()
            return AgingCacheState(
                rows: cache.rows.count, bytes: cache.rows.reduce(0) { $0 + $1.id.utf8.count + $1.json.count },
                refreshedAt: cache.refreshedAt, nextTurn: .seconds(max(0, cache.turnEndsAt.timeIntervalSince(now()))))
        }
    }

    package func clear(_ cache: String) async throws { caches.withLock { $0[cache] = nil } }
}
