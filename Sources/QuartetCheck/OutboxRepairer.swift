import Foundation
import Logging
import QuartetCore
import QuartetRoles

/// Delivers outbox rows that wait, by the relays' own way: rings for those that live, and takes over the shards that
/// nobody holds.
struct OutboxRepairer: Sendable {
    /// How long the taking over may last for each sink.
    private static let timeMax = Duration.seconds(60)

    let ports: CheckPorts
    let time: SweepTime
    let logger: Logger

    func mend(_ findings: [Finding], before date: Date, pause: Duration) async throws -> [Finding] {
        var action = "relays woken, shards without one delivered"
        do {
            try await ports.outboxCheckStore.ring()
            for delivery in ports.deliveries { try await deliver(delivery) }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            action = "failed: \(error)"
            logger.error("outbox rows could not be delivered", metadata: ["error": "\(error)"])
        }
        var waiting = try await ports.outboxCheckStore.waiting(before: date)
        if !waiting.isEmpty {
            try await time.sleep(pause)
            waiting = try await ports.outboxCheckStore.waiting(before: date)
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
            owner: owner, database: "dropship", configuration: configuration, outbox: ports.outbox, delivery: delivery,
            logger: logger)
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
