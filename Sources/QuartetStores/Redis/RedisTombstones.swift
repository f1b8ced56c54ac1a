import ClientSupport
import Foundation
import Logging
import QuartetCore
import Redis
import Synchronization

/// Takes entries out of the cache. The commands may go with others in one pipeline, before those that announce the change:
/// they carry their script's source, so none is put off because the server does not know it.
struct RedisTombstones: Sendable {
    /// Entries of one command: many share the script and what it asks of the server first, and hold up others no longer than
    /// some hundred commands do.
    private static let entriesPerCommand = 64

    let client: RedisClient
    let configuration: RedisCacheConfiguration
    let logger: Logger
    private let sharing = Sharing()

    init(client: RedisClient, configuration: RedisCacheConfiguration, logger: Logger) {
        (self.client, self.configuration, self.logger) = (client, configuration, logger)
    }

    /// Whether entries may share a command: not where the server has once refused one for one of its keys.
    private final class Sharing: Sendable {
        let isOff = Atomic(false)
    }

    /// What is sent, and which of the invalidations each command carries out.
    struct Plan {
        let invalidations: [CacheInvalidation]
        fileprivate(set) var commands: [RedisCommand] = []
        fileprivate var shares: [[Int]] = []
    }

    func plan(_ invalidations: [CacheInvalidation]) -> Plan {
        var plan = Plan(invalidations: invalidations)
        var entries: [Int] = []
        for (index, invalidation) in invalidations.enumerated() {
            if case .tag(let tag) = invalidation {
                plan.shares.append([index])
                plan.commands.append(
                    RedisCommand(
                        "EVAL", RedisCacheScripts.touch, 1, configuration.keys.cacheTag(tag), UUID().uuidString,
                        configuration.tagTTL.wholeMilliseconds))
            } else {
                entries.append(index)
            }
        }
        let size = sharing.isOff.load(ordering: .relaxed) ? 1 : Self.entriesPerCommand
        for (epoch, entries) in byEpoch(entries, of: invalidations) {
            for start in stride(from: 0, to: entries.count, by: size) {
                let share = Array(entries[start..<min(start + size, entries.count)])
                plan.shares.append(share)
                plan.commands.append(burial(share.map { invalidations[$0] }, in: epoch))
            }
        }
        return plan
    }

    /// A command's keys are in one slot, and so of one epoch.
    private func byEpoch(
        _ entries: [Int], of invalidations: [CacheInvalidation]
    ) -> [(epoch: String, entries: [Int])] {
        var groups: [(epoch: String, entries: [Int])] = []
        var places: [String: Int] = [:]
        for index in entries {
            let epoch = configuration.keys.cacheEpoch(of: configuration.keys.name(of: invalidations[index]))
            if let place = places[epoch] {
                groups[place].entries.append(index)
            } else {
                places[epoch] = groups.count
                groups.append((epoch, [index]))
            }
        }
        return groups
    }

    private func burial(_ entries: [CacheInvalidation], in epoch: String) -> RedisCommand {
        let keys = configuration.keys
        var command = RedisCommand("EVAL", RedisCacheScripts.bury, entries.count + 1, epoch)
        for entry in entries { command.append(keys.name(of: entry)) }
        command.append(configuration.tombstoneTTL.wholeMilliseconds)
        for case .entry(_, let version) in entries {
            precondition(version >= 0, "versions are compared as digits without a sign")
            command.append(version)
        }
        return command
    }

    /// What became of the commands. A key that could not be written to is deleted where that can be done, and otherwise
    /// passed over.
    ///
    /// - Throws: the first error that concerns the whole server and may pass.
    func settle(
        _ results: ArraySlice<Result<RedisValue, RedisError>>, of plan: Plan, deadline: Deadline? = nil
    ) async throws {
        var refused: [(invalidation: CacheInvalidation, error: RedisError)] = []
        var divided: [CacheInvalidation] = []
        for (result, share) in zip(results, plan.shares) {
            if share.count > 1, case .failure(let error) = result, Self.concernsKey(error) {
                // Whichever key it was: the others are not to suffer for it.
                divided += share.map { plan.invalidations[$0] }
                continue
            }
            for (place, index) in share.enumerated() {
                let invalidation = plan.invalidations[index]
                CacheMetrics.count(.tombstones, invalidation)
                do throws(RedisError) {
                    guard try Self.answer(result.get(), to: invalidation, at: place) == 1 else { continue }
                    passedOver(invalidation, because: "it was of another type, and is gone")
                } catch {
                    guard Self.concernsKey(error) || Self.isSplit(error) else { throw error }
                    refused.append((invalidation, error))
                }
            }
        }
        if !divided.isEmpty {
            sharing.isOff.store(true, ordering: .relaxed)
            let plan = self.plan(divided)
            try await settle(
                try await client.pipeline(plan.commands, deadline: deadline)[...], of: plan, deadline: deadline)
        }
        try await delete(refused, deadline: deadline)
    }

    private func delete(
        _ refused: [(invalidation: CacheInvalidation, error: RedisError)], deadline: Deadline?
    ) async throws {
        guard !refused.isEmpty else { return }
        let keys = configuration.keys
        // Where a slot is on its way to another node a script finds its keys on two, but each key is on one. Without the epoch
        // no ticket from before is good for a put.
        let epochs = refused.filter { Self.isSplit($0.error) }.map {
            keys.cacheEpoch(of: keys.name(of: $0.invalidation))
        }
        let names = epochs + refused.map { keys.name(of: $0.invalidation) }
        let deletions = try await client.pipeline(names.map { RedisCommand("DEL", $0) }, deadline: deadline)
        for deletion in deletions[..<epochs.count] { _ = try deletion.get() }
        for (one, deletion) in zip(refused, deletions[epochs.count...]) {
            switch deletion {
            case .success where Self.isSplit(one.error): continue
            case .success: passedOver(one.invalidation, because: "\(one.error); it is deleted")
            case .failure(let error) where Self.isSplit(one.error): throw error
            case .failure: passedOver(one.invalidation, because: "\(one.error)")
            }
        }
    }

    /// A tag's command answers for it alone, one of entries for each.
    private static func answer(
        _ value: RedisValue, to invalidation: CacheInvalidation, at place: Int
    ) throws(RedisError) -> Int64 {
        if case .tag = invalidation { return try value.int() }
        let answers = try value.array()
        return answers.indices.contains(place) ? try answers[place].int() : 0
    }

    private func passedOver(_ invalidation: CacheInvalidation, because reason: String) {
        CacheMetrics.count(.passedOver, invalidation)
        logger.warning(
            "cache key passed over",
            metadata: ["key": "\(configuration.keys.name(of: invalidation))", "reason": "\(reason)"])
    }

    private static func isSplit(_ error: RedisError) -> Bool { error.code == .server("TRYAGAIN") }

    /// The server answers, and refuses this: waiting would hold up all other keys. A replica is no cache and starts as an
    /// empty one when it is promoted, so nothing is lost by passing over.
    static func concernsKey(_ error: RedisError) -> Bool {
        guard case .server(let word) = error.code else { return error.code == .decoding }
        return !error.isRetriable || word == "OOM" || word == "READONLY"
    }
}
