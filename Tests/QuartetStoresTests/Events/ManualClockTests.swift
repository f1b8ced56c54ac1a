import QuartetTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ManualClockTests {
    @Test func sleepersWakeWhenTheirDeadlineComes() async throws {
        let clock = ManualClock()
        async let short: Void = clock.sleep(until: clock.now.advanced(by: .seconds(1)), tolerance: nil)
        async let long: Void = clock.sleep(until: clock.now.advanced(by: .seconds(3)), tolerance: nil)
        try await clock.sleepers(atLeast: 2)
        clock.advance(by: .seconds(1))
        try await short
        #expect(clock.now.offset == .seconds(1))
        clock.advance(by: .seconds(2))
        try await long
    }

    @Test func aDeadlineThatIsPastDoesNotSleep() async throws {
        let clock = ManualClock()
        clock.advance(by: .seconds(2))
        try await clock.sleep(until: .init(offset: .seconds(1)))
        try await clock.sleep(until: clock.now)
    }

    @Test func cancellingEndsTheSleep() async throws {
        let clock = ManualClock()
        let sleeper = Task { try await clock.sleep(until: clock.now.advanced(by: .seconds(1)), tolerance: nil) }
        try await clock.sleepers(atLeast: 1)
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await clock.sleep(until: clock.now.advanced(by: .seconds(1)), tolerance: nil)
        }
        await #expect(throws: CancellationError.self) { try await late.value }
    }
}
