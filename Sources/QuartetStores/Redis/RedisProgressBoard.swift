package import ClientSupport
package import Logging
import Metrics
package import QuartetCore
package import Redis
import Synchronization

package struct RedisProgressConfiguration: Sendable, Hashable {
    package var keys = RedisKeys()
    /// How long progress stays after its last report; at least a millisecond.
    package var ttl: Duration = .seconds(3600)
    /// Between two tries of a subscription that the server refuses.
    package var subscriptionBackoff = Backoff(base: .milliseconds(100), max: .seconds(5))

    package init() {}
}

/// Progress as Redis hashes that expire, and bells as its pub/sub channels.
///
/// A report is merged into what is stored, by the same script that publishes what became of it: the larger counts stay,
/// and a closed phase is left for `running` by a later generation only. So reports may come in any order, and twice.
package struct RedisProgressBoard: ProgressBoard {
    private let client: RedisClient
    private let configuration: RedisProgressConfiguration
    private let tombstones: RedisTombstones
    private let logger: Logger
    /// Tells this process's rings from those of others.
    private let sender = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    private let listeners = LocalSubscribers<Doorbell, AnalysisTask?>()
    private let followers = LocalSubscribers<RequestID, Progress?>()

    package init(
        client: RedisClient, configuration: RedisProgressConfiguration = RedisProgressConfiguration(),
        cache: RedisCacheConfiguration = RedisCacheConfiguration(), logger: Logger
    ) {
        precondition(configuration.ttl >= .milliseconds(1), "progress lives for a millisecond at least")
        self.client = client
        self.configuration = configuration
        self.logger = logger
        tombstones = RedisTombstones(client: client, configuration: cache, logger: logger)
    }

    /// The server runs the commands in their order, and a cluster the tombstones before the reports: nobody hears of an end before the cache has forgotten what it ended.
    package func report(_ progress: [Progress], invalidating: [CacheInvalidation]) async throws {
        guard !progress.isEmpty else { return }
        // Nothing that is stored can be later than this. Followers in this process hear it from here: whatever became of the
        // call, and not before the tombstones are there.
        defer {
            for whole in progress where whole.isWhole { followers.finish(whole.requestID, with: whole) }
        }
        let plan = tombstones.plan(invalidating)
        // The keys of one command are in one slot.
        let size = client.isCluster ? 1 : Self.reportsPerCommand
        let parts = stride(from: 0, to: progress.count, by: size).map {
            progress[$0..<min($0 + size, progress.count)]
        }
        let commands = parts.map(command)
        // Nodes of a cluster don't wait for each other.
        let results =
            client.isCluster && !plan.commands.isEmpty
            ? try await client.pipeline(plan.commands) + client.pipeline(commands)
            : try await client.pipeline(plan.commands + commands)
        for (result, part) in zip(results[plan.commands.count...], parts) { try await settle(result, of: part) }
        try await tombstones.settle(results[..<plan.commands.count], of: plan)
    }

    /// - Throws: the first error; reports beside the one that met it have been made all the same.
    private func settle(_ result: Result<RedisValue, RedisError>, of part: ArraySlice<Progress>) async throws {
        if part.count > 1, case .failure(let error) = result, RedisTombstones.concernsKey(error) {
            // The server refuses a command for one of its keys: each is tried by itself.
            let results = try await client.pipeline(part.map { command([$0]) })
            for (index, result) in zip(part.indices, results) { try await settle(result, of: part[index...index]) }
            return
        }
        // One that failed is told of by its error.
        for answer in try result.get().array() { _ = try answer.int() }
    }

    /// Reports of one command: it holds up others no longer than some hundred commands do.
    private static let reportsPerCommand = 64

    private func command(_ reports: ArraySlice<Progress>) -> RedisCommand {
        var command = RedisCommand.eval(
            RedisProgressScripts.merge, keys: reports.map { configuration.keys.progress($0.requestID) },
            args: [configuration.ttl.wholeMilliseconds])
        for progress in reports {
            command.append(progress.done)
            command.append(progress.total)
            command.append(progress.phase.rawValue)
            command.append(progress.generation)
        }
        return command
    }

    package func read(_ ids: [RequestID]) async throws -> [Progress?] {
        guard !ids.isEmpty else { return [] }
        let results = try await client.pipeline(
            ids.map {
                RedisCommand("HMGET", configuration.keys.progress($0), "done", "total", "phase", "generation")
            })
        return try zip(ids, results).map { id, result -> Progress? in
            do {
                return try Self.progress(of: id, result.get().array())
            } catch let error as RedisError where error.isUnavailable {
                throw error
            } catch {
                // What is there under this name is no progress: it is counted from the cards, as where there is nothing.
                return nil
            }
        }
    }

    private static func progress(of id: RequestID, _ fields: [RedisValue]) throws(RedisError) -> Progress? {
        guard fields.count == 4, let done = try fields[0].intIfPresent(), let total = try fields[1].intIfPresent(),
            let phase = try fields[2].stringIfPresent().flatMap(Progress.Phase.init(rawValue:))
        else { return nil }
        let generation = try fields[3].intIfPresent() ?? 1
        guard done >= 0, total >= done, (1...numberMax).contains(generation), total <= numberMax else { return nil }
        return Progress(requestID: id, generation: Int(generation), done: Int(done), total: Int(total), phase: phase)
    }

    /// Nothing that is counted here is larger.
    private static let numberMax: Int64 = 1 << 31

    /// Listeners of this process hear it at once, those of others from the server. The message is
    /// "sender request generation product", or "sender" alone.
    package func ring(_ bell: Doorbell, for task: AnalysisTask?) async throws {
        listeners.tell(bell, task)
        let message = task.map { " \($0.requestID) \($0.generation) \($0.productID)" } ?? ""
        try await client.publish(sender + message, to: configuration.keys.channel(bell))
    }

    /// The stream also ends when the client closes.
    package func reports(of request: RequestID) -> AsyncStream<Progress?> {
        followers.stream(of: request) { continuation in
            follow(configuration.keys.progress(request)) { event in
                guard let event else { return continuation.finish() }
                let progress = event.message.flatMap { Progress(requestID: request, report: $0) }
                continuation.yield(progress)
                if progress?.phase == .completed { continuation.finish() }
            }
        }
    }

    /// Rings while a listener is busy are one ring to it. The stream ends when the client closes.
    package func rings(of bell: Doorbell) -> AsyncStream<AnalysisTask?> {
        listeners.stream(of: bell) { continuation in
            follow(configuration.keys.channel(bell)) { [sender] event in
                guard let event else { return continuation.finish() }
                let ring = event.message.map(Ring.init)
                // Listeners in the ringer's own process have heard it.
                if ring?.sender != sender[...] { continuation.yield(ring?.task) }
            }
        }
    }

    /// Passes on what a subscription brings, then nil at its end. That it begins, and that messages may have been missed,
    /// are events as good as a message. A server that refuses it is asked again and again: rights change.
    private func follow(
        _ channel: String, _ pass: @escaping @Sendable (RedisSubscriptionEvent?) -> Void
    ) -> Task<Void, Never> {
        Task { [logger, client, backoff = configuration.subscriptionBackoff] in
            var attempt = 0
            while !Task.isCancelled {
                do {
                    for try await event in client.subscribe(channel) {
                        attempt = 0
                        pass(event)
                    }
                    break
                } catch {
                    Counter(label: "quartet_bell_failures_total", dimensions: [("store", "redis")]).increment()
                    logger.log(
                        level: attempt == 0 ? .warning : .debug, "subscription refused",
                        metadata: ["channel": "\(channel)", "error": "\(error)"])
                }
                let next = ContinuousClock.now.advanced(by: backoff.delay(attempt: attempt))
                guard (try? await ContinuousClock().sleep(until: next)) != nil else { break }
                attempt += 1
            }
            pass(nil)
        }
    }
}

/// Those in this process who listen to a topic, and need not wait for the server to tell them.
private final class LocalSubscribers<Topic: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var continuations: [Topic: [Int: AsyncStream<Value>.Continuation]] = [:]
        var lastID = 0
    }

    private let state = Mutex(State())

    /// A stream of what the neighbours say and of what `pump` brings, which ends with it. The latest waits for a slow
    /// listener.
    func stream(
        of topic: Topic, pump: (AsyncStream<Value>.Continuation) -> Task<Void, Never>
    ) -> AsyncStream<Value> {
        let (stream, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(1))
        let pump = pump(continuation)
        let id = state.withLock { state in
            state.lastID += 1
            state.continuations[topic, default: [:]][state.lastID] = continuation
            return state.lastID
        }
        continuation.onTermination = { [self] _ in
            remove(id, of: topic)
            pump.cancel()
        }
        return stream
    }

    func tell(_ topic: Topic, _ value: Value) {
        for listener in listeners(of: topic) { listener.yield(value) }
    }

    /// Tells the last there is to tell.
    func finish(_ topic: Topic, with value: Value) {
        for listener in listeners(of: topic) {
            listener.yield(value)
            listener.finish()
        }
    }

    private func listeners(of topic: Topic) -> [AsyncStream<Value>.Continuation] {
        state.withLock { $0.continuations[topic]?.values.map(\.self) ?? [] }
    }

    private func remove(_ id: Int, of topic: Topic) {
        state.withLock { state in
            state.continuations[topic]?[id] = nil
            if state.continuations[topic]?.isEmpty == true { state.continuations[topic] = nil }
        }
    }
}

extension RedisSubscriptionEvent {
    fileprivate var message: [UInt8]? {
        if case .message(let bytes) = self { bytes } else { nil }
    }
}

/// What a bell says.
private struct Ring {
    let sender: Substring
    /// Nil where it rings for none, or says something that this version does not know.
    let task: AnalysisTask?

    init(_ message: [UInt8]) {
        let fields = String(decoding: message, as: UTF8.self).split(separator: " ", maxSplits: 3)
        sender = fields.first ?? ""
        guard fields.count == 4, let requestID = RequestID(String(fields[1])), let generation = Int(fields[2]),
            let productID = ProductID(fields[3])
        else {
            task = nil
            return
        }
        task = AnalysisTask(requestID: requestID, productID: productID, generation: generation)
    }
}

extension Progress {
    /// What the script above publishes; nil if it is something else.
    fileprivate init?(requestID: RequestID, report: [UInt8]) {
        let fields = String(decoding: report, as: UTF8.self).split(separator: " ", maxSplits: 3)
        guard fields.count == 4, let done = Int(fields[0]), let total = Int(fields[1]),
            let phase = Phase(rawValue: String(fields[2])), let generation = Int(fields[3])
        else { return nil }
        self.init(requestID: requestID, generation: generation, done: done, total: total, phase: phase)
    }
}
