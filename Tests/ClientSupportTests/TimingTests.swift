import ClientSupport
import QuartetTesting
import Testing

@Suite struct BackoffTests {
    @Test func ceilingsDoubleUpToTheLargest() {
        let backoff = Backoff(base: .milliseconds(100), max: .seconds(1))
        #expect(
            (0..<6).map { backoff.ceiling(attempt: $0) } == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
        #expect(backoff.ceiling(attempt: .max) == .seconds(1))
    }

    @Test func delaysLieBetweenATenthAndTheCeiling() {
        let backoff = Backoff(base: .milliseconds(100), max: .seconds(10))
        for attempt in 0..<2_000 {
            let ceiling = backoff.ceiling(attempt: attempt % 8)
            let delay = backoff.delay(attempt: attempt % 8)
            #expect(delay >= ceiling * 0.09 && delay <= ceiling)
        }
    }
}

@Suite struct DeadlineTests {
    @Test func millisecondsRoundUpAndEndAtZero() {
        #expect(Deadline.after(.milliseconds(-5)).remainingMilliseconds == 0)
        #expect(Deadline.after(.microseconds(100)).remainingMilliseconds <= 1)
        let long = Deadline.after(.seconds(10)).remainingMilliseconds
        #expect((9_000...10_000).contains(long))
        #expect(Deadline.after(.seconds(10_000_000)).remainingMilliseconds == 2_000_000_000)
    }

    @Test func workInTimeGivesItsValue() async throws {
        #expect(try await withDeadline(.after(.seconds(30)), waitingFor: "a test") { 7 } == 7)
    }

    @Test func workThatTakesTooLongIsCancelled() async throws {
        await #expect(throws: DeadlineExceeded.self) {
            try await withDeadline(.after(.milliseconds(5)), waitingFor: "a test") {
                try await ContinuousClock().sleep(until: .now.advanced(by: .seconds(60)))
            }
        }
    }
}

@Suite struct WakeSignalTests {
    @Test func aRingBeforeTheWaitIsRemembered() async {
        let signal = WakeSignal()
        signal.ring()
        signal.ring()
        #expect(await signal.wait(atMost: .seconds(60)))
        #expect(await !signal.wait(atMost: .milliseconds(5)))
    }

    @Test func aRingEndsTheWait() async {
        let signal = WakeSignal()
        let waiting = Task { await signal.wait(atMost: .seconds(60)) }
        signal.ring()
        #expect(await waiting.value)
    }

    @Test func timeEndsTheWait() async {
        #expect(await !WakeSignal().wait(atMost: .milliseconds(5)))
    }

    @Test func waitsThatARingEndedLeaveOneAlarmForAll() async throws {
        let clock = ManualClock()
        let signal = WakeSignal(clock: clock)
        for _ in 0..<100 {
            let waiting = Task { await signal.wait(atMost: .seconds(60)) }
            try await clock.sleepers(atLeast: 1)
            signal.ring()
            #expect(await waiting.value)
        }
        #expect(clock.sleeperCount == 1)
    }

    @Test func aShorterWaitIsNotHeldUpByAnEarlierAlarm() async throws {
        let clock = ManualClock()
        let signal = WakeSignal(clock: clock)
        let first = Task { await signal.wait(atMost: .seconds(60)) }
        try await clock.sleepers(atLeast: 1)
        signal.ring()
        #expect(await first.value)
        let second = Task { await signal.wait(atMost: .seconds(1)) }
        try await clock.sleepers(atLeast: 2)
        clock.advance(by: .seconds(1))
        #expect(await !second.value)
    }

    @Test func cancellationEndsTheWait() async {
        let signal = WakeSignal()
        let waiting = Task { await signal.wait(atMost: .seconds(60)) }
        waiting.cancel()
        #expect(await !waiting.value)
    }
}
