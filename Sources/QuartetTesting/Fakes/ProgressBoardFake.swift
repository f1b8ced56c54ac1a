package import QuartetCore
import Synchronization

/// Progress and bells in memory.
package final class FakeProgressBoard: ProgressBoard {
    private let progress = Mutex<[RequestID: Progress]>([:])
    private let followers = Listeners<RequestID, Progress?>()
    private let listeners = Listeners<Doorbell, AnalysisTask?>()

    package enum Call: Sendable, Hashable, CaseIterable {
        case report, read, ring
    }

    private let faults = FaultPlan<Call>()
    private let cache: FakeVersionedCache?

    /// - Parameter cache: forgets what reports invalidate.
    package init(cache: FakeVersionedCache? = nil) {
        self.cache = cache
    }

    /// Makes the next call fail, or the next one of `call`. Failures wait in the order in which they were asked for.
    ///
    /// - Parameter tookEffect: the call does its work all the same, as when a connection is lost before the answer.
    package func failNext(_ call: Call? = nil, with error: any Error, tookEffect: Bool = false) {
        faults.failNext(call, with: error, tookEffect: tookEffect)
    }

    package func report(_ progress: [Progress], invalidating: [CacheInvalidation]) async throws {
        try await cache?.invalidate(invalidating)
        try faults.run(.report) {
            for report in progress {
                let later = self.progress.withLock { known -> Progress? in
                    let before = known[report.requestID]
                    let merged = before?.merged(with: report) ?? report
                    known[report.requestID] = merged
                    return merged == before ? nil : merged
                }
                guard let later else { continue }
                followers.tell(later, to: report.requestID)
                if later.phase == .completed { followers.finish(report.requestID) }
            }
        }
    }

    package func read(_ ids: [RequestID]) async throws -> [Progress?] {
        try faults.run(.read) { progress.withLock { known in ids.map { known[$0] } } }
    }

    package func reports(of request: RequestID) -> AsyncStream<Progress?> { followers.join(request, first: nil) }

    package func ring(_ bell: Doorbell, for task: AnalysisTask?) async throws {
        try faults.run(.ring) { listeners.tell(task, to: bell) }
    }

    /// Yields once at first, since the listener may have come late.
    package func rings(of bell: Doorbell) -> AsyncStream<AnalysisTask?> { listeners.join(bell, first: nil) }

    /// Loses all progress, as a copy may; followers and listeners stay and are told to look again.
    package func lose() {
        progress.withLock { $0 = [:] }
        followers.tellAll(nil)
        listeners.tellAll(nil)
    }

    package func listenerCount(of bell: Doorbell) -> Int { listeners.count(of: bell) }

    package func followerCount(of request: RequestID) -> Int { followers.count(of: request) }
}

/// Who listens to what.
private final class Listeners<Topic: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var continuations: [Topic: [Int: AsyncStream<Value>.Continuation]] = [:]
        var nextID = 0
    }

    private let state = Mutex(State())

    /// A stream that begins with `first`; the latest value waits for a slow listener.
    func join(_ topic: Topic, first: Value) -> AsyncStream<Value> {
        let (stream, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingNewest(1))
        continuation.yield(first)
        let id = state.withLock { state in
            state.nextID += 1
            state.continuations[topic, default: [:]][state.nextID] = continuation
            return state.nextID
        }
        continuation.onTermination = { [weak self] _ in self?.leave(id, topic) }
        return stream
    }

    private func leave(_ id: Int, _ topic: Topic) {
        state.withLock { state in
            state.continuations[topic]?[id] = nil
            if state.continuations[topic]?.isEmpty == true { state.continuations[topic] = nil }
        }
    }

    func tell(_ value: Value, to topic: Topic) {
        let listeners = state.withLock { $0.continuations[topic].map { Array($0.values) } ?? [] }
        for listener in listeners { listener.yield(value) }
    }

    func finish(_ topic: Topic) {
        let listeners = state.withLock { $0.continuations[topic].map { Array($0.values) } ?? [] }
        for listener in listeners { listener.finish() }
    }

    func tellAll(_ value: Value) {
        let topics = state.withLock { Array($0.continuations.keys) }
        for topic in topics { tell(value, to: topic) }
    }

    func count(of topic: Topic) -> Int { state.withLock { $0.continuations[topic]?.count ?? 0 } }
}

extension Progress {
    /// What is known from two reports, in whichever order they came.
    fileprivate func merged(with other: Progress) -> Progress {
        let isLater = (generation, phase.rank) < (other.generation, other.phase.rank)
        return Progress(
            requestID: requestID, generation: max(generation, other.generation), done: max(done, other.done),
            total: max(total, other.total), phase: isLater ? other.phase : phase)
    }
}

extension Progress.Phase {
    /// Within a generation a closed phase is not left for `running` again.
    fileprivate var rank: Int {
        switch self {
        case .running: 0
        case .failed: 1
        case .cancelled: 2
        case .completed: 3
        }
    }
}
