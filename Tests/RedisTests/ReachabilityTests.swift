import ClientSupport
import Testing

@testable import Redis

@Suite("When a connection is made again")
struct ReachabilityTests {
    let gone = RedisError(.connectionLost, "gone", mayHaveHappened: true)

    @Test("Nothing is connected before somebody wants it, and then only once")
    func connectsOnDemand() {
        var reachability = Reachability(backoff: Backoff())
        #expect(reachability.phase == .idle)
        #expect(reachability.want() == 1)
        #expect(reachability.want() == nil)
    }

    @Test("Delays grow while attempts fail, and start afresh after an answer")
    func delaysGrow() {
        let backoff = Backoff(base: .milliseconds(10), max: .milliseconds(80))
        var reachability = Reachability(backoff: backoff)
        var id = reachability.want() ?? 0
        for attempt in 0..<6 {
            guard case .retry(id, let delay) = reachability.lost(id, gone, isNeeded: true) else {
                Issue.record("no retry")
                return
            }
            #expect(delay <= backoff.ceiling(attempt: attempt) && delay >= backoff.ceiling(attempt: attempt) / 11)
            #expect(reachability.failure?.mayHaveHappened == false)
            id = reachability.retryDue(id) ?? 0
        }
        #expect(reachability.connected(id) == true)
        #expect(reachability.failure == nil)
        reachability.answered()
        #expect(reachability.lost(id, gone, isNeeded: true) == .connect(id + 1))
        #expect(reachability.failure == nil, "calls wait for the first attempt after a loss")
    }

    @Test("A connection that breaks before it answered anything is not replaced at once")
    func noLoopOfConnections() {
        var reachability = Reachability(backoff: Backoff())
        let id = reachability.want() ?? 0
        #expect(reachability.connected(id) == true)
        guard case .retry = reachability.lost(id, gone, isNeeded: true) else {
            Issue.record("no delay")
            return
        }
    }

    @Test("A server may close connections that were asked nothing, as often as it likes")
    func unusedConnections() {
        var reachability = Reachability(backoff: Backoff())
        var id = reachability.want() ?? 0
        for _ in 0..<3 {
            #expect(reachability.connected(id) == true)
            reachability.answered()
            #expect(reachability.lost(id, gone, isNeeded: true, owesAnswers: false) == .connect(id + 1))
            #expect(reachability.connected(id + 1) == true)
            #expect(reachability.lost(id + 1, gone, isNeeded: true, owesAnswers: false) == .nothing)
            #expect(reachability.failure == nil)
            id += 2
            #expect(reachability.want() == id)
        }
    }

    @Test("What nobody needs is not connected again until somebody does")
    func idleAgain() {
        var reachability = Reachability(backoff: Backoff())
        let id = reachability.want() ?? 0
        #expect(reachability.connected(id) == true)
        #expect(reachability.lost(id, gone, isNeeded: false) == .nothing)
        #expect(reachability.want() == 2)
    }

    @Test("After the end nothing is connected")
    func closed() {
        var reachability = Reachability(backoff: Backoff())
        let id = reachability.want() ?? 0
        reachability.close()
        #expect(reachability.connected(id) == false)
        #expect(reachability.lost(id, gone, isNeeded: true) == .nothing)
        #expect(reachability.want() == nil)
    }
}
