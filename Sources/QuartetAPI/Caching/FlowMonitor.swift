package import Logging
package import QuartetCore
import Synchronization

/// Whether invalidations are known to arrive: only then the cache is believed.
///
/// Nobody waits for a verdict: it is made again beside the reads that it serves, and reads that come after a long silence, or
/// while nobody answers, go without the cache.
package final class FlowMonitor: Sendable {
    private struct State {
        var delays: [EventTopic: Duration] = [:]
        /// When the look began that gave those.
        var known: ContinuousClock.Instant?
        var asked: ContinuousClock.Instant?
        var isAsking = false
        var wasTrusted: Bool?
    }

    private static let interval: Duration = .milliseconds(500)

    private let flow: (any InvalidationFlow)?
    private let delayMax: Duration
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter flow: nil: nothing is known of it, and the cache is believed.
    package init(flow: (any InvalidationFlow)?, delayMax: Duration, logger: Logger) {
        self.flow = flow
        self.delayMax = delayMax
        self.logger = logger
    }

    func isTrusted(_ topic: EventTopic) -> Bool {
        guard flow != nil else { return true }
        let (isTrusted, isDue) = state.withLock { state in
            let isDue = !state.isAsking && state.asked.map { $0.duration(to: .now) > Self.interval } ?? true
            if isDue { state.isAsking = true }
            return (self.isTrusted(topic, state), isDue)
        }
        if isDue { Task { [self] in await look() } }
        return isTrusted
    }

    /// Of all topics of the caches, for whoever asks how the process is.
    func check() async throws {
        guard flow != nil else { return }
        await look()
        let behind = state.withLock { state in
            Set(CacheFamily.all.map(\.topic)).filter { !isTrusted($0, state) }
        }
        guard behind.isEmpty else { throw InvalidationsBehind(topics: behind.map(\.rawValue).sorted()) }
    }

    private func isTrusted(_ topic: EventTopic, _ state: State) -> Bool {
        guard let delay = state.delays[topic], let known = state.known else { return false }
        return delay + known.duration(to: .now) <= delayMax
    }

    private func look() async {
        guard let flow else { return }
        let began = ContinuousClock.now
        state.withLock { state in (state.isAsking, state.asked) = (true, began) }
        let delays: [EventTopic: Duration]?
        do {
            delays = try await flow.delays()
        } catch {
            delays = nil
            logger.debug("flow of invalidations not known", metadata: ["error": "\(error)"])
        }
        let (areTrusted, hasChanged) = state.withLock { state in
            state.isAsking = false
            if let delays { (state.delays, state.known) = (delays, began) }
            let areTrusted = CacheFamily.all.allSatisfy { isTrusted($0.topic, state) }
            defer { state.wasTrusted = areTrusted }
            return (areTrusted, state.wasTrusted != areTrusted)
        }
        guard hasChanged else { return }
        if areTrusted {
            logger.notice("invalidations arrive: the cache is read")
        } else {
            logger.warning("invalidations are not known to arrive: the cache is not read")
        }
    }
}

private struct InvalidationsBehind: Error, CustomStringConvertible {
    let topics: [String]

    var description: String { "invalidations of \(topics.joined(separator: ", ")) are not known to arrive" }
}
