import ClientSupport
import NIOCore
import Testing

@testable import Redis

@Suite("What the command connection owes its callers")
struct CommandStateTests {
    typealias State = CommandState<String>

    let start = ContinuousClock.now

    private func makeState(inFlightMax: Int = 8, outboundBytesMax: Int = 100) -> State {
        State(
            limits: .init(
                inFlightMax: inFlightMax, outboundBytesMax: outboundBytesMax, stallTimeout: .seconds(30),
                location: "server:1"),
            backoff: Backoff(base: .milliseconds(10), max: .milliseconds(80)))
    }

    /// A state whose first connection is up.
    private func connectedState(inFlightMax: Int = 8) throws -> State {
        var state = makeState(inFlightMax: inFlightMax)
        _ = try add("first", to: &state)
        #expect(state.connected(1).isWanted)
        _ = state.takeOutbound(now: start)
        _ = state.received([.integer(0)], from: 1, now: start)
        return state
    }

    @discardableResult
    private func add(
        _ name: String, count: Int = 1, timeout: Duration = .seconds(5), to state: inout State
    ) throws -> (call: UInt64, steps: State.Steps) {
        let admission = state.add(
            name, count: count, size: name.utf8.count, deadline: start.advanced(by: timeout), now: start,
            write: { _ = $0.writeString(name) })
        guard case .admitted(let call, let steps) = admission else { throw refusal(admission) }
        return (call, steps)
    }

    private func refusal(_ admission: State.Admission) -> any Error {
        if case .refused(let error) = admission { error } else { ConditionNotMet() }
    }

    private func describe(_ completions: [State.Completion]) -> [String] {
        completions.map { completion in
            switch completion.outcome {
            case .one(let reply): "\(completion.waiter)=\(reply)"
            case .several(let replies): "\(completion.waiter)=\(replies.count) replies"
            case .broken(let replies, let error):
                "\(completion.waiter) broken after \(replies.count): \(error.code) \(error.mayHaveHappened)"
            }
        }
    }

    @Test("The first call connects, and calls made meanwhile are written together once it is up")
    func firstCallConnects() throws {
        var state = makeState()
        let first = try add("a", to: &state)
        let second = try add("b", to: &state)
        #expect(first.steps.next == .connect(1))
        #expect(second.steps.next == .nothing)
        #expect(!first.steps.flush)
        let (isWanted, steps) = state.connected(1)
        #expect(isWanted && steps.flush)
        #expect(state.takeOutbound(now: start).map { String(buffer: $0) } == "ab")
        #expect(state.takeOutbound(now: start) == nil)
    }

    @Test("One flush is scheduled for all that comes before it")
    func flushesTogether() throws {
        var state = try connectedState()
        #expect(try add("a", to: &state).steps.flush)
        #expect(try !add("b", to: &state).steps.flush)
        _ = state.takeOutbound(now: start)
        #expect(try add("c", to: &state).steps.flush)
    }

    @Test("Replies reach their callers in order, those of a pipeline together")
    func repliesInOrder() throws {
        var state = try connectedState()
        for (name, count) in [("a", 1), ("b", 3), ("c", 1)] { try add(name, count: count, to: &state) }
        _ = state.takeOutbound(now: start)
        let early = state.received([.integer(1), .integer(2), .integer(3)], from: 1, now: start)
        #expect(describe(early.completions) == ["a=integer(1)"])
        let late = state.received([.integer(4), .integer(5)], from: 1, now: start)
        #expect(describe(late.completions) == ["b=3 replies", "c=integer(5)"])
        #expect(state.commandsInFlight == 0)
    }

    @Test("A cancelled call keeps its slot, so that the next caller gets its own reply")
    func cancellationKeepsTheSlot() throws {
        var state = try connectedState()
        let cancelled = try add("a", to: &state).call
        try add("b", to: &state)
        _ = state.takeOutbound(now: start)
        #expect(state.cancel(cancelled).waiter == "a")
        #expect(state.cancel(cancelled).waiter == nil)
        let steps = state.received([.integer(1), .integer(2)], from: 1, now: start)
        #expect(describe(steps.completions) == ["b=integer(2)"])
        #expect(state.cancel(cancelled).waiter == nil)
    }

    @Test("A lost connection fails what was written as perhaps done, and the rest as not done")
    func lossTellsWhatMayHaveHappened() throws {
        var state = try connectedState()
        try add("answered in part", count: 2, to: &state)
        try add("written", to: &state)
        _ = state.takeOutbound(now: start)
        _ = state.received([.integer(1)], from: 1, now: start)
        try add("unwritten", to: &state)
        let steps = state.lost(1, RedisError(.connectionLost, "gone"))
        #expect(
            describe(steps.completions) == [
                "answered in part broken after 1: connectionLost true",
                "written broken after 0: connectionLost true",
                "unwritten broken after 0: connectionLost false",
            ])
        #expect(state.commandsInFlight == 0)
        #expect(steps.next == .connect(2), "a connection that had answered is replaced at once")
    }

    @Test("While the server is away calls fail at once with the reason, until a connection is up again")
    func failsFastWhileAway() throws {
        var state = makeState()
        try add("a", to: &state)
        let steps = state.lost(1, RedisError(.connect, "refused", mayHaveHappened: true))
        #expect(describe(steps.completions) == ["a broken after 0: connect false"])
        guard case .retry(1, let delay) = steps.next else {
            Issue.record("no retry")
            return
        }
        #expect(delay > .zero && delay <= .milliseconds(10))
        let error = #expect(throws: RedisError.self) { try add("b", to: &state) }
        #expect(error?.code == .connect && error?.mayHaveHappened == false && error?.isUnavailable == true)
        #expect(state.retryDue(1).next == .connect(2))
        #expect(state.retryDue(1).next == .nothing)
        #expect(throws: RedisError.self) { try add("c", to: &state) }
        #expect(state.connected(2).isWanted)
        try add("d", to: &state)
    }

    @Test("Calls go on after a server has closed one idle connection after the other")
    func idleConnectionsClosed() throws {
        var state = try connectedState()
        #expect(state.lost(1, RedisError(.connectionLost, "closed")).next == .connect(2))
        #expect(state.connected(2).isWanted)
        let steps = state.lost(2, RedisError(.connectionLost, "closed"))
        #expect(steps.next == .nothing && steps.lostNothing)
        #expect(try add("a", to: &state).steps.next == .connect(3))
        #expect(state.connected(3).isWanted)
        _ = state.takeOutbound(now: start)
        guard case .retry = state.lost(3, RedisError(.connectionLost, "closed")).next else {
            Issue.record("a server that owed an answer is failing")
            return
        }
    }

    @Test("News of an old connection changes nothing")
    func ignoresOldConnections() throws {
        var state = try connectedState()
        _ = state.lost(1, RedisError(.connectionLost, "gone"))
        #expect(state.connected(2).isWanted)
        try add("a", to: &state)
        _ = state.takeOutbound(now: start)
        #expect(state.received([.integer(1)], from: 1, now: start).completions.isEmpty)
        #expect(state.lost(1, RedisError(.connectionLost, "again")).completions.isEmpty)
        #expect(!state.connected(1).isWanted)
        #expect(describe(state.received([.integer(2)], from: 2, now: start).completions) == ["a=integer(2)"])
    }

    @Test("One timer serves all calls: it ends those that are due and is set for the next")
    func oneTimer() throws {
        var state = try connectedState()
        let early = start.advanced(by: .seconds(1))
        #expect(try add("slow", timeout: .seconds(3), to: &state).steps.timer == start.advanced(by: .seconds(3)))
        #expect(try add("quick", timeout: .seconds(1), to: &state).steps.timer == early)
        #expect(try add("middle", timeout: .seconds(2), to: &state).steps.timer == nil)
        _ = state.takeOutbound(now: start)
        let steps = state.timerDue(early, now: early)
        #expect(describe(steps.completions) == ["quick broken after 0: deadlineExceeded true"])
        #expect(steps.timer == start.advanced(by: .seconds(2)))
        let replaced = start.advanced(by: .seconds(3))
        #expect(state.timerDue(replaced, now: replaced).completions.isEmpty, "a replaced timer does nothing")
        let replies = state.received([.integer(1), .integer(2), .integer(3)], from: 1, now: early)
        #expect(describe(replies.completions) == ["slow=integer(1)", "middle=integer(3)"])
    }

    @Test("An idle connection needs no timer")
    func idleNeedsNoTimer() throws {
        var state = try connectedState()
        let due = start.advanced(by: .seconds(5))
        #expect(state.timerDue(due, now: due).timer == nil)
    }

    @Test("A server that owes replies and says nothing is given up")
    func stall() throws {
        var state = try connectedState()
        try add("a", timeout: .seconds(5), to: &state)
        _ = state.takeOutbound(now: start)
        // The timer of the very first call is still set, and comes first.
        let due = start.advanced(by: .seconds(5))
        let expired = state.timerDue(due, now: due)
        #expect(describe(expired.completions) == ["a broken after 0: deadlineExceeded true"])
        let stalled = start.advanced(by: .seconds(30))
        #expect(expired.timer == stalled)
        #expect(state.timerDue(stalled, now: stalled).disconnect)
        try add("b", timeout: .seconds(60), to: &state)
        let steps = state.lost(1, RedisError(.connectionLost, "closed"))
        #expect(describe(steps.completions) == ["b broken after 0: connectionLost false"])
    }

    @Test("Calls beyond a bound, or after their deadline, are refused and change nothing")
    func refusals() throws {
        var state = try connectedState(inFlightMax: 3)
        try add("a", count: 2, to: &state)
        #expect(throws: RedisError.self) { try add("b", count: 2, to: &state) }
        #expect(throws: RedisError.self) { try add("c", timeout: .zero, to: &state) }
        try add("d", to: &state)
        #expect(state.commandsInFlight == 3)
        #expect(state.takeOutbound(now: start).map { String(buffer: $0) } == "ad")

        var bytes = makeState(outboundBytesMax: 4)
        try add("larger than all, but alone", to: &bytes)
        #expect(throws: RedisError.self) { try add("e", to: &bytes) }
    }

    @Test("Nothing is written while the channel is full")
    func backpressure() throws {
        var state = try connectedState()
        _ = state.writabilityChanged(1, isWritable: false)
        #expect(try !add("a", to: &state).steps.flush)
        #expect(state.takeOutbound(now: start) == nil)
        #expect(state.writabilityChanged(1, isWritable: true).flush)
        #expect(state.takeOutbound(now: start) != nil)
    }

    @Test("A reply that nobody asked for ends the connection")
    func unexpectedReply() throws {
        var state = try connectedState()
        try add("unwritten", to: &state)
        let steps = state.received([.integer(1)], from: 1, now: start)
        #expect(steps.disconnect && steps.completions.isEmpty)
        let lost = state.lost(1, RedisError(.connectionLost, "closed"))
        #expect(describe(lost.completions) == ["unwritten broken after 0: protocolViolation false"])
    }

    @Test("Closing waits for the replies of those who wait, refuses others, and then ends the connection")
    func closing() async throws {
        var state = try connectedState()
        try add("a", to: &state)
        _ = state.takeOutbound(now: start)
        await withCheckedContinuation { closer in
            let closing = state.close(closer)
            #expect(!closing.disconnect && closing.closers.isEmpty)
            let error = #expect(throws: RedisError.self) { try add("b", to: &state) }
            #expect(error?.code == .closed && error?.isRetriable == false)
            let steps = state.received([.integer(1)], from: 1, now: start)
            #expect(describe(steps.completions) == ["a=integer(1)"])
            #expect(steps.disconnect && steps.closers.count == 1)
            for closer in steps.closers { closer.resume() }
        }
        #expect(state.lost(1, RedisError(.connectionLost, "closed")).next == .nothing)
    }

    @Test("Closing while connecting ends at once, and the connection is not wanted any more")
    func closingWhileConnecting() async throws {
        var state = makeState()
        let call = try add("a", to: &state).call
        #expect(state.cancel(call).waiter == "a")
        await withCheckedContinuation { closer in
            for closer in state.close(closer).closers { closer.resume() }
        }
        #expect(!state.connected(1).isWanted)
    }
}
