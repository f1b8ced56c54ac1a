import ClientSupport
import Foundation
import Logging
import QuartetCore
import Redis

/// Takes entries out of the cache. The commands may go with others in one pipeline, before those that announce the change:
/// they carry their script's source, so none is put off because the server does not know it.
struct RedisTombstones: Sendable {
    let client: RedisClient
    let configuration: RedisCacheConfiguration
    let logger: Logger

    func commands(_ invalidations: [CacheInvalidation]) -> [RedisCommand] {
        let keys = configuration.keys
        return invalidations.map { invalidation in
            switch invalidation {
            case .entry(let key, let version):
                precondition(version >= 0, "versions are compared as digits without a sign")
                return RedisCommand(
                    "EVAL", RedisCacheScripts.bury, 2, keys.cache(key), keys.cacheEpoch, version,
                    configuration.tombstoneTTL.wholeMilliseconds)
            case .tag(let tag):
                return RedisCommand(
                    "EVAL", RedisCacheScripts.touch, 1, keys.cacheTag(tag), UUID().uuidString,
                    configuration.tagTTL.wholeMilliseconds)
            }
        }
    }

    /// What became of the commands. A key that could not be written to is deleted where that can be done, and otherwise
    /// passed over.
    ///
    /// - Throws: the first error that concerns the whole server and may pass.
    func settle(
        _ results: ArraySlice<Result<RedisValue, RedisError>>, of invalidations: [CacheInvalidation],
        deadline: Deadline? = nil
    ) async throws {
        var refused: [(invalidation: CacheInvalidation, error: RedisError)] = []
        for (result, invalidation) in zip(results, invalidations) {
            CacheMetrics.count(.tombstones, invalidation)
            switch result {
            case .success(let value):
                guard try value.int() == 1 else { continue }
                passedOver(invalidation, because: "it was of another type, and is gone")
            case .failure(let error) where Self.concernsKey(error): refused.append((invalidation, error))
            case .failure(let error): throw error
            }
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

    private func passedOver(_ invalidation: CacheInvalidation, because reason: String) {
        CacheMetrics.count(.passedOver, invalidation)
        logger.warning(
            "cache key passed over",
            metadata: ["key": "\(configuration.keys.name(of: invalidation))", "reason": "\(reason)"])
    }

    /// The server answers, and refuses this: waiting would hold up all other keys. A replica is no cache and starts as an
    /// empty one when it is promoted, so nothing is lost by passing over.
    private static func concernsKey(_ error: RedisError) -> Bool {
        guard case .server(let word) = error.code else { return error.code == .decoding }
        return !error.isRetriable || word == "OOM" || word == "READONLY"
    }
}
