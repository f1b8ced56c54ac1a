import ClientSupport
import CoreMetrics
package import Foundation
package import Logging
package import QuartetCore
import ServiceLifecycle
import Synchronization

/// Delivers one database's outbox to one sink, in order per aggregate. The cursor moves after the delivery is durable.
package final class Relay: Role {
    package let name: String
    private let database: String
    private let owner: UUID
    private let settings: Live<RelayConfiguration>
    private var configuration: RelayConfiguration { settings.now }
    private let outbox: any OutboxStore
    private let delivery: any OutboxDelivery
    private let logger: Logger
    private let wake = WakeSignal()
    private let shardsFree = WakeSignal()
    /// Topics whose lost events are still to be published again.
    private let lost = Mutex<Set<EventTopic>>([])
    /// Since when the sink takes nothing from this relay.
    private let refusedSince = Mutex<ContinuousClock.Instant?>(nil)

    package init(
        owner: UUID = UUID(), database: String, configuration: Live<RelayConfiguration>, outbox: any OutboxStore,
        delivery: any OutboxDelivery, logger: Logger
    ) {
        name = "relay.\(database).\(delivery.sink.rawValue)"
        self.database = database
        self.owner = owner
        settings = configuration
        self.outbox = outbox
        self.delivery = delivery
        self.logger = logger
    }

    package func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask { [outbox, delivery, wake, shardsFree] in
                for await bell in outbox.wakeups(of: delivery.sink) {
                    switch bell {
                    case .rows: wake.ring()
                    case .shards: shardsFree.ring()
                    }
                }
            }
            group.addTask { [self] in await tend() }
            group.addTask { [self] in await keepShards() }
            await cancelWhenGracefulShutdown { [self] in await relayLoop() }
            group.cancelAll()
        }
        // Another relay need not wait for the lease to run out.
        try? await Task { try await outbox.releaseShards(of: delivery.sink, owner: owner) }.value
    }

    /// Delivers one batch from the shards that this relay owns; returns how many rows it had.
    package func runOnce() async throws -> Int { try await deliverBatch().seen }

    private func deliverBatch() async throws -> OutboxBatch {
        let batch = try await outbox.read(sink: delivery.sink, owner: owner, limit: configuration.rowsPerBatchMax)
        let rows = batch.rows
        guard !rows.isEmpty else { return batch }
        Failpoint.relayRead.reached()
        let isBusy = batch.seen >= Self.fewRows
        do {
            try await delivery.deliver(rows.map(\.event)) { [self] in
                if !isBusy { await lull() }
            }
        } catch {
            refusedSince.withLock { $0 = $0 ?? .now }
            throw error
        }
        refusedSince.withLock { $0 = nil }
        Failpoint.relayDelivered.reached()
        _ = try await outbox.advance(sink: delivery.sink, owner: owner, past: batch)
        Failpoint.cursorAdvanced.reached()
        RoleMetrics.relayed(database, delivery.sink).increment(by: batch.seen)
        return batch
    }

    /// Takes and keeps this relay's share of the shards; returns them.
    @discardableResult
    package func holdShards() async throws -> [Int] {
        try await outbox.holdShards(
            of: delivery.sink, owner: owner, leaseDuration: configuration.leaseDuration)
    }

    /// Fewer rows than this are all there were.
    private var wholeBatch: Int { min(OutboxRow.perShardMin, configuration.rowsPerBatchMax) }

    /// Waits until there is more to deliver, or until what was delivered may be done with.
    private func lull() async {
        // The loop is to know of the ring too.
        if await wake.wait(atMost: configuration.lullMax) { wake.ring() }
    }

    /// Where many come, each read takes more of them at once, and costs as much as one of a few.
    private func letRowsGather(_ count: Int) async {
        guard count >= Self.manyRows else { return }
        try? await ContinuousClock().sleep(until: .now.advanced(by: delivery.gatheringTime))
    }

    /// So few come where the machine is quiet.
    private static let fewRows = 4
    private static let manyRows = 16

    /// While others write, who need not ring.
    private static let firstLookAgain = Duration.milliseconds(5)
    private static let lookAgainMax = Duration.milliseconds(50)

    private func relayLoop() async {
        var backoff = RetryBackoff(logger: logger)
        var hasLooked = false
        var lookAgain = Self.firstLookAgain
        while !Task.isCancelled {
            do {
                // Once something is published, a log that was begun anew no longer looks it.
                if !hasLooked { try await lookAtTheLog() }
                hasLooked = true
                let batch = try await deliverBatch()
                // Who left its shards to others has nothing to deliver, and has not succeeded.
                if refusedSince.withLock({ $0 == nil }) { backoff.succeeded("\(name)") }
                lookAgain = batch.seen > 0 ? Self.firstLookAgain : min(lookAgain * 2, Self.lookAgainMax)
                if batch.seen < wholeBatch {
                    await letRowsGather(batch.seen)
                    let pause = batch.areOthersInFlight ? lookAgain : configuration.pollInterval
                    await wake.wait(atMost: min(pause, configuration.pollInterval))
                }
            } catch is CancellationError {
                return
            } catch {
                await wake.wait(atMost: backoff.failed("\(name)", error))
            }
        }
    }

    /// Keeps the shards also while a delivery takes long: one whose lease ran out would be made again.
    private func keepShards() async {
        var backoff = RetryBackoff(logger: logger)
        var held: [Int] = []
        while !Task.isCancelled {
            do {
                let holding = try await holdShards()
                // New shards may have rows that nobody rang for.
                if holding != held { wake.ring() }
                held = holding
                if try await isInOthersWay(holding) {
                    try await outbox.releaseShards(of: delivery.sink, owner: owner)
                    await untilTheSinkAnswers()
                    continue
                }
                backoff.succeeded("holding shards for \(name)")
                await shardsFree.wait(atMost: configuration.leaseDuration / 3)
            } catch is CancellationError {
                return
            } catch {
                let pause = backoff.failed("holding shards for \(name)", error)
                try? await ContinuousClock().sleep(until: .now.advanced(by: pause))
            }
        }
    }

    /// Whether it holds what it can't bring to the sink, and another relay might.
    private func isInOthersWay(_ held: [Int]) async throws -> Bool {
        guard let since = refusedSince.withLock({ $0 }), since.duration(to: .now) > configuration.leaseDuration,
            !held.isEmpty
        else { return false }
        return held.count < (try await outbox.shardCount())
    }

    private func untilTheSinkAnswers() async {
        var backoff = RetryBackoff(logger: logger)
        logger.warning("\(name): the sink takes nothing from here, so that other relays take its shards")
        while !Task.isCancelled {
            do {
                try await delivery.tend()
                try await replayWhatWasLost()
                refusedSince.withLock { $0 = nil }
                return logger.notice("\(name): the sink answers again")
            } catch {
                let pause = backoff.failed("reaching the sink of \(name)", error)
                try? await ContinuousClock().sleep(until: .now.advanced(by: pause))
            }
        }
    }

    /// Looks from time to time how long the backlog is and how old the oldest transaction, and removes old rows.
    private func tend() async {
        var backoff = RetryBackoff(logger: logger)
        var purgeAt = Deadline.after(configuration.purgeInterval)
        var oldTransaction: OldTransaction?
        while !Task.isCancelled {
            do {
                let pause = min(configuration.reportInterval, configuration.purgeInterval)
                try await ContinuousClock().sleep(until: .now.advanced(by: pause))
                try await report(&oldTransaction)
                if purgeAt.isPast {
                    try await purge()
                    purgeAt = .after(configuration.purgeInterval)
                }
                try await delivery.tend()
                try await replayWhatWasLost()
                backoff.succeeded("tending the outbox")
            } catch is CancellationError {
                return
            } catch {
                _ = backoff.failed("tending the outbox", error)
            }
        }
    }

    /// Twice, since one look does not tell a lost log from a broker that has just come up.
    private func lookAtTheLog() async throws {
        guard try await replayWhatWasLost() else { return }
        try await ContinuousClock().sleep(until: .now.advanced(by: .seconds(1)))
        try await replayWhatWasLost()
    }

    /// A broker may lose its log; what the outbox still has of what was delivered is published again, all of it by whoever
    /// sees that first: to the others the log no longer looks empty.
    ///
    /// - Returns: whether anything was delivered that can have been lost.
    @discardableResult
    private func replayWhatWasLost() async throws -> Bool {
        guard delivery.sink != .queue else { return false }
        let delivered = try await outbox.positions(of: delivery.sink)
        guard delivered.values.contains(where: { $0 > 0 }) else { return false }
        let topics = lost.withLock { $0 }.union(try await delivery.topicsWithLostLogs())
        guard !topics.isEmpty else { return true }
        lost.withLock { $0 = topics }
        let names = topics.map(\.rawValue).sorted().joined(separator: ", ")
        let count = try await OutboxReplay(outbox: outbox, delivery: delivery)
            .run(upTo: delivered) { topics.contains($0.type.topic) }
        lost.withLock { $0 = [] }
        guard count > 0 else { return true }
        logger.warning(
            "topics have lost their log: what the outbox still has was published again",
            metadata: ["topics": "\(names)", "events": "\(count)"])
        return true
    }

    /// A whole batch says that there is more.
    private func purge() async throws {
        var removed: Int
        repeat {
            removed = try await outbox.purge(olderThan: configuration.retention, limit: configuration.purgeRowsMax)
            if removed > 0 { logger.debug("outbox purged", metadata: ["rows": "\(removed)"]) }
        } while removed >= configuration.purgeRowsMax && !Task.isCancelled
    }

    private func report(_ oldTransaction: inout OldTransaction?) async throws {
        let backlog = try await outbox.backlog(sink: delivery.sink, limit: 10_000)
        RoleMetrics.backlog(database, delivery.sink).record(Double(backlog.oldest.components.seconds))
        let oldest = try await outbox.oldestTransaction(olderThan: configuration.oldTransactionAge)
        RoleMetrics.oldestTransaction(database).record(oldest?.age.seconds ?? 0)
        defer { oldTransaction = oldest }
        // Once for each that becomes old.
        guard let oldest, oldest.processID != oldTransaction?.processID || oldest.age < (oldTransaction?.age ?? .zero)
        else { return }
        logger.warning(
            "a transaction is old: it holds up nothing here, but keeps the server from cleaning up",
            metadata: [
                "pid": "\(oldest.processID)", "application": "\(oldest.applicationName)", "age": "\(oldest.age)",
            ])
    }
}
