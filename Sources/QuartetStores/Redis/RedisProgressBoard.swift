package import Logging
package import QuartetCore
package import Redis

package struct RedisProgressConfiguration: Sendable, Hashable {
    package var keys = RedisKeys()
    /// How long progress stays after its last report; at least a millisecond.
    package var ttl: Duration = .seconds(3600)

    package init() {}
}

/// Progress as Redis hashes that expire, and bells as its pub/sub channels.
///
/// A report is merged into what is stored, by the same script that publishes what became of it: the larger counts stay,
/// and a closed phase is left for `running` by a later generation only. So reports may come in any order, and twice.
package struct RedisProgressBoard: ProgressBoard {
    private let client: RedisClient
    private let configuration: RedisProgressConfiguration
    private let logger: Logger

    package init(
        client: RedisClient, configuration: RedisProgressConfiguration = RedisProgressConfiguration(), logger: Logger
    ) {
        precondition(configuration.ttl >= .milliseconds(1), "progress lives for a millisecond at least")
        self.client = client
        self.configuration = configuration
        self.logger = logger
    }

    package func report(_ progress: [Progress]) async throws {
        guard !progress.isEmpty else { return }
        let ttl = configuration.ttl.wholeMilliseconds
        let commands = progress.map { progress in
            RedisCommand.eval(
                Self.merge, keys: [configuration.keys.progress(progress.requestID)],
                args: [progress.done, progress.total, progress.phase.rawValue, ttl, progress.generation])
        }
        for result in try await client.pipeline(commands) { _ = try result.get() }
    }

    package func read(_ ids: [RequestID]) async throws -> [Progress?] {
        guard !ids.isEmpty else { return [] }
        let results = try await client.pipeline(
            ids.map {
                RedisCommand("HMGET", configuration.keys.progress($0), "done", "total", "phase", "generation")
            })
        return try zip(ids, results).map { id, result in
            let fields = try result.get().array()
            guard fields.count == 4, let done = try fields[0].intIfPresent(), let total = try fields[1].intIfPresent(),
                let phase = try fields[2].stringIfPresent().flatMap(Progress.Phase.init(rawValue:))
            else { return nil }
            let generation = try fields[3].intIfPresent() ?? 1
            return Progress(
                requestID: id, generation: Int(generation), done: Int(done), total: Int(total), phase: phase)
        }
    }

    /// The message is "request product generation", or empty.
    package func ring(_ bell: Doorbell, for task: AnalysisTask?) async throws {
        let message = task.map { "\($0.requestID) \($0.productID) \($0.generation)" } ?? ""
        try await client.publish(message, to: configuration.keys.channel(bell))
    }

    /// The stream ends when the client closes, or when the server refuses the subscription.
    package func reports(of request: RequestID) -> AsyncStream<Progress?> {
        follow(configuration.keys.progress(request)) { event in
            guard case .message(let text) = event else { return nil }
            return Progress(requestID: request, report: text)
        }
    }

    /// Rings while a listener is busy are one ring to it. The stream ends as that of ``reports(of:)``.
    package func rings(of bell: Doorbell) -> AsyncStream<AnalysisTask?> {
        follow(configuration.keys.channel(bell)) { event in
            guard case .message(let text) = event else { return nil }
            return AnalysisTask(ring: text)
        }
    }

    /// That a subscription begins, and that messages may have been missed, are events as good as a message.
    private func follow<Value: Sendable>(
        _ channel: String, _ value: @escaping @Sendable (RedisSubscriptionEvent) -> Value
    ) -> AsyncStream<Value> {
        let subscription = client.subscribe(channel)
        let (stream, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(1))
        let pump = Task { [logger] in
            do {
                for try await event in subscription { continuation.yield(value(event)) }
            } catch {
                logger.warning("subscription refused", metadata: ["channel": "\(channel)", "error": "\(error)"])
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in pump.cancel() }
        return stream
    }

    /// KEYS[1] progress, and the channel of the same name; ARGV done, total, phase, time to live in milliseconds,
    /// generation. Publishes "done total phase generation". Returns whether anything changed.
    private static let merge = RedisScript(
        """
        local rank = {running = 0, failed = 1, cancelled = 2, completed = 3}
        local done, total, phase, generation = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[5])
        local stored = redis.call('HMGET', KEYS[1], 'done', 'total', 'phase', 'generation')
        if stored[1] and stored[2] and stored[3] then
            local before = {tonumber(stored[1]), tonumber(stored[2]), stored[3], tonumber(stored[4] or 1)}
            done, total = math.max(done, before[1]), math.max(total, before[2])
            if before[4] > generation or (before[4] == generation and (rank[before[3]] or 0) > rank[phase]) then
                phase, generation = before[3], before[4]
            end
            if done == before[1] and total == before[2] and phase == before[3] and generation == before[4] then
                redis.call('PEXPIRE', KEYS[1], ARGV[4])
                return 0
            end
        end
        local now = redis.call('TIME')
        redis.call('HSET', KEYS[1], 'done', done, 'total', total, 'phase', phase,
            'generation', generation, 'updated_at', now[1] * 1000 + math.floor(now[2] / 1000))
        redis.call('PEXPIRE', KEYS[1], ARGV[4])
        redis.call('PUBLISH', KEYS[1], string.format('%d %d %s %d', done, total, phase, generation))
        return 1
        """)
}

extension AnalysisTask {
    /// What a bell says that rings for one task; nil if it is something else.
    fileprivate init?(ring message: [UInt8]) {
        let fields = String(decoding: message, as: UTF8.self).split(separator: " ")
        guard fields.count == 3, let requestID = RequestID(String(fields[0])), let productID = ProductID(fields[1]),
            let generation = Int(fields[2])
        else { return nil }
        self.init(requestID: requestID, productID: productID, generation: generation)
    }
}

extension Progress {
    /// What the script above publishes; nil if it is something else.
    fileprivate init?(requestID: RequestID, report: [UInt8]) {
        let fields = String(decoding: report, as: UTF8.self).split(separator: " ")
        guard fields.count == 4, let done = Int(fields[0]), let total = Int(fields[1]),
            let phase = Phase(rawValue: String(fields[2])), let generation = Int(fields[3])
        else { return nil }
        self.init(requestID: requestID, generation: generation, done: done, total: total, phase: phase)
    }
}
