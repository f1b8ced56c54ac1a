package import QuartetCore
import Synchronization

/// Sessions in memory.
package final class FakeSessionStore: SessionStore {
    package enum Call: Sendable, Hashable, CaseIterable {
        case pin, sessions
    }

    private let faults = FaultPlan<Call>()
    private let primary: FakePrimary
    private let stored = Mutex<[RequestID: AnalysisSession]>([:])

    package init(primary: FakePrimary = FakePrimary()) {
        self.primary = primary
    }

    /// Makes the next call fail, or the next one of `call`. Failures wait in the order in which they were asked for.
    ///
    /// - Parameter tookEffect: the call does its work all the same, as when a connection is lost before the answer.
    package func failNext(_ call: Call? = nil, with error: any Error, tookEffect: Bool = false) {
        faults.failNext(call, with: error, tookEffect: tookEffect)
    }

    package func pin(_ sessions: [AnalysisSession]) async throws -> [PinnedSession] {
        try faults.run(.pin) {
            let term = primary.term
            let pinned = stored.withLock { stored in
                sessions.map { session in
                    if let winner = stored[session.requestID] { return PinnedSession(session: winner) }
                    stored[session.requestID] = session
                    return PinnedSession(session: session, term: term)
                }
            }
            if pinned.contains(where: { $0.term == nil }) { _ = primary.becomeDurable() }
            for new in pinned where new.term != nil {
                primary.wrote { [self] in stored.withLock { $0[new.session.requestID] = nil } }
            }
            return pinned
        }
    }

    package func pinDurably(_ sessions: [AnalysisSession]) async throws -> [AnalysisSession] {
        try faults.run(.pin) {
            defer { _ = primary.becomeDurable() }
            return stored.withLock { stored in
                sessions.map { session in
                    let winner = stored[session.requestID] ?? session
                    stored[session.requestID] = winner
                    return winner
                }
            }
        }
    }

    /// Pins a session durably, as another process does.
    package func put(_ session: AnalysisSession) {
        stored.withLock { $0[session.requestID] = session }
    }

    package func sessions(_ ids: [RequestID]) async throws -> [AnalysisSession?] {
        try faults.run(.sessions) { stored.withLock { stored in ids.map { stored[$0] } } }
    }

    // MARK: For ``FakeDocumentCheckStore``

    /// Of every session, in order.
    var ids: [RequestID] { stored.withLock { $0.keys.sorted() } }

    func remove(_ ids: [RequestID]) {
        stored.withLock { stored in for id in ids { stored[id] = nil } }
    }
}
