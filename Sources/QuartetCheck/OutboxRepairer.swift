import Foundation
import Logging
import QuartetCore
import QuartetRoles

/// Delivers outbox rows that wait, by the relays' own way: rings for those that live, and takes over the shards that
/// nobody holds.
struct OutboxRepairer: Sendable {
    /// How long the taking over may last for each sink.
    private static let timeMax = Duration.seconds(60)

    let outboxes: [CheckedOutbox]
    let time: SweepTime
    let logger: Logger

    func mend(_ findings: [Finding], before date: Date, pause: Duration) async throws -> [Finding] {
        var action = "relays woken, shards without one delivered"
        do {
            for outbox in outboxes {
                try await outbox.checks.ring()
                for delivery in outbox.deliveries { try await deliver(delivery, from: outbox) }
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            action = "failed: \(error)"
            logger.error("outbox rows could not be delivered", metadata: ["error": "\(error)"])
        }
        var waiting = try await outboxes.waiting(before: date)
        if !waiting.isEmpty {
            try await time.sleep(pause)
            waiting = try await outboxes.waiting(before: date)
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

    private func deliver(_ delivery: any OutboxDelivery, from checked: CheckedOutbox) async throws {
        let owner = UUID()
        var configuration = RelayConfiguration()
        configuration.leaseDuration = .seconds(30)
        let relay = Relay(
            owner: owner, database: checked.database, configuration: Live(configuration), outbox: checked.outbox,
            delivery: delivery, logger: logger)
        let end = time.elapsed() + Self.timeMax
        do {
            repeat { try await relay.holdShards() } while try await relay.runOnce() > 0 && time.elapsed() < end
        } catch {
            try? await checked.outbox.releaseShards(of: delivery.sink, owner: owner)
            throw error
        }
        try await checked.outbox.releaseShards(of: delivery.sink, owner: owner)
    }
}

extension [CheckedOutbox] {
    /// What waits in any of them.
    func waiting(before date: Date) async throws -> [WaitingRows] {
        var waiting: [WaitingRows] = []
        for outbox in self { waiting += try await outbox.checks.waiting(before: date) }
        return waiting
    }

    func cursors() async throws -> [SweepProgress.Cursor] {
        var cursors: [SweepProgress.Cursor] = []
        for outbox in self { cursors += try await outbox.checks.cursors() }
        return cursors
    }
}
