package import QuartetCore
import Synchronization

/// Progress and bells in memory.
package final class FakeProgressBoard: ProgressBoard {
    private struct State {
        var progress: [RequestID: Progress] = [:]
        var listeners: [Doorbell: [Int: AsyncStream<Void>.Continuation]] = [:]
        var nextListener = 0
    }

    package enum Call: Sendable, Hashable, CaseIterable {
        case report, read, ring
    }

    private let faults = FaultPlan<Call>()
    private let state = Mutex(State())

    package init() {}

    /// Makes the next call fail, or the next one of `call`. Failures wait in the order in which they were asked for.
    ///
    /// - Parameter tookEffect: the call does its work all the same, as when a connection is lost before the answer.
    package func failNext(_ call: Call? = nil, with error: any Error, tookEffect: Bool = false) {
        faults.failNext(call, with: error, tookEffect: tookEffect)
    }

    package func report(_ progress: [Progress]) async throws {
        try faults.run(.report) {
            for progress in progress {
                let isLater = state.withLock { state in
                    let before = state.progress[progress.requestID]
                    let merged = before?.merged(with: progress) ?? progress
                    state.progress[progress.requestID] = merged
                    return merged != before
                }
                if isLater { wake(.progress(progress.requestID)) }
            }
        }
    }

    package func read(_ ids: [RequestID]) async throws -> [Progress?] {
        try faults.run(.read) { state.withLock { state in ids.map { state.progress[$0] } } }
    }

    package func ring(_ bell: Doorbell) async throws {
        try faults.run(.ring) { wake(bell) }
    }

    /// Yields once at first, since the listener may have come late.
    package func rings(of bell: Doorbell) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextListener += 1
            state.listeners[bell, default: [:]][state.nextListener] = continuation
            return state.nextListener
        }
        continuation.onTermination = { [weak self] _ in self?.removeListener(id, of: bell) }
        continuation.yield()
        return stream
    }

    /// Loses all progress, as a copy may; listeners stay and are told to look again.
    package func lose() {
        let listeners = state.withLock { state in
            state.progress = [:]
            return state.listeners.values.flatMap(\.values)
        }
        for listener in listeners { listener.yield() }
    }

    package func listenerCount(of bell: Doorbell) -> Int {
        state.withLock { $0.listeners[bell]?.count ?? 0 }
    }

    private func wake(_ bell: Doorbell) {
        let listeners = state.withLock { $0.listeners[bell].map { Array($0.values) } ?? [] }
        for listener in listeners { listener.yield() }
    }

    private func removeListener(_ id: Int, of bell: Doorbell) {
        state.withLock { state in
            state.listeners[bell]?[id] = nil
            if state.listeners[bell]?.isEmpty == true { state.listeners[bell] = nil }
        }
    }
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
