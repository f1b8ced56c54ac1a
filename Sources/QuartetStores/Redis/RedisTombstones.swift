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
        for start in stride(from: 0, to: entries.count, by: size) {
            let share = Array(entries[start..<min(start + size, entries.count)])
            plan.shares.append(share)
            plan.commands.append(burial(share.map { invalidations[$0] }))
        }
        return plan
    }

    private func burial(_ entries: [CacheInvalidation]) -> RedisCommand {
        let keys = configuration.keys
        var command = RedisCommand("EVAL", RedisCacheScripts.bury, entries.count + 1, keys.cacheEpoch)
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
                    guard Self.concernsKey(error) else { throw error }
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
        guard !refused.isEmpty else { return }
        let deletions = try await client.pipeline(
            refused.map { RedisCommand("DEL", configuration.keys.name(of: $0.invalidation)) }, deadline: deadline)
        for (one, deletion) in zip(refused, deletions) {
            switch deletion {
            case .success: passedOver(one.invalidation, because: "\(one.error); it is deleted")
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

    /// The server answers, and refuses this: waiting would hold up all other keys. A replica is no cache and starts as an
    /// empty one when it is promoted, so nothing is lost by passing over.
    static func concernsKey(_ error: RedisError) -> Bool {
        guard case .server(let word) = error.code else { return error.code == .decoding }
        return !error.isRetriable || word == "OOM" || word == "READONLY"
    }
}
