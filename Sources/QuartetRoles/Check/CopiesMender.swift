import Foundation
import Logging
import QuartetCore

/// Delivers outbox rows that wait, by the relays' own way: rings for those that live, and takes over the shards that
/// nobody holds.
struct OutboxMender: Sendable {
    /// How long the taking over may last for each sink.
    private static let timeMax = Duration.seconds(60)

    let ports: CheckPorts
    let time: SweepTime
    let logger: Logger

    func mend(_ findings: [Finding], before date: Date, pause: Duration) async throws -> [Finding] {
        var action = "relays woken, shards without one delivered"
        do {
            try await ports.outboxAudit.ring()
            for delivery in ports.deliveries { try await deliver(delivery) }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            action = "failed: \(error)"
            logger.error("outbox rows could not be delivered", metadata: ["error": "\(error)"])
        }
        var waiting = try await ports.outboxAudit.waiting(before: date)
        if !waiting.isEmpty {
            try await time.sleep(pause)
            waiting = try await ports.outboxAudit.waiting(before: date)
        }
        return findings.map { finding in
            let rest = waiting.first { $0.key == finding.key }
            var finding = finding
            finding.repair = Repair(
                action: action, before: finding.detail, after: rest.map { "\($0.count) rows wait" } ?? "no rows wait",
                isDone: rest == nil)
            return finding
        }
    }

    private func deliver(_ delivery: any OutboxDelivery) async throws {
        let owner = UUID()
        var configuration = RelayConfiguration()
        configuration.leaseDuration = .seconds(30)
        let relay = Relay(
            owner: owner, configuration: configuration, outbox: ports.outbox, delivery: delivery, logger: logger)
        let end = time.elapsed() + Self.timeMax
        do {
            repeat { try await relay.holdShards() } while try await relay.runOnce() > 0 && time.elapsed() < end
        } catch {
            try? await ports.outbox.releaseShards(of: delivery.sink, owner: owner)
            throw error
        }
        try await ports.outbox.releaseShards(of: delivery.sink, owner: owner)
    }
}

/// Removes stale cache entries by tombstones, and makes keys expire.
struct CacheMender: Sendable {
    let ports: CheckPorts
    let looks: CacheLook

    func mend(_ found: [CacheSuspect]) async throws -> [CacheSuspect] {
        try await ports.cache.invalidate(
            found.compactMap { suspect in
                guard suspect.finding.kind != .keyWithoutExpiry, let entry = suspect.entry else { return nil }
                return CacheInvalidation(key: entry.key, version: max(suspect.rowVersion ?? 0, entry.version))
            })
        try await ports.caches.expire(found.filter { $0.finding.kind == .keyWithoutExpiry }.map(\.name))
        let present = try await ports.caches.keys(found.map(\.name)).compactMap { $0 }
        let remaining = try await looks.findings(present)
        return found.map { suspect in
            let rest = remaining.first { $0.name == suspect.name && $0.finding.kind == suspect.finding.kind }
            var suspect = suspect
            suspect.finding.repair = Repair(
                action: suspect.finding.kind == .keyWithoutExpiry ? "expires now" : "tombstone left",
                before: suspect.finding.detail, after: rest?.finding.detail ?? "as it should be", isDone: rest == nil)
            return suspect
        }
    }
}
