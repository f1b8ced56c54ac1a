import QuartetCore
import QuartetTesting
import Testing

/// The fake of the event stream shows the same behaviours as the real one.
@Suite(.timeLimit(.minutes(5))) struct FakeEventStreamTests {
    @Test(arguments: EventStreamConformance.behaviours)
    func conforms(_ behaviour: Conformance<EventStreamSubject>) async throws {
        let stream = FakeEventStream()
        let subject = EventStreamSubject(
            publisher: stream,
            subscribe: { stream.subscribe(group: $0, to: [.analysis, .product]) },
            publishPoison: { stream.publishPoison($0, key: $1, to: $2) },
            deadLetter: { topic in
                let letter = try #require(stream.deadLetters(of: topic).first)
                let headers = Dictionary(letter.headers.map { ($0.name, $0.value) }) { _, last in last }
                return (letter.value, headers)
            })
        try await behaviour.check(subject)
    }

    @Test func partitionsAreSharedByTheMembersOfAGroup() async throws {
        let stream = FakeEventStream(partitionCount: 2)
        let first = stream.subscribe(group: "g", to: [.analysis])
        let second = stream.subscribe(group: "g", to: [.analysis])
        // Keys of one byte each: even ones go to one partition, odd ones to the other.
        for key in UInt8(0)..<10 { stream.publishPoison([key], key: [key], to: .analysis) }
        let mine = try await first.next(limit: 100, timeout: .zero).map(\.value)
        let theirs = try await second.next(limit: 100, timeout: .zero).map(\.value)
        #expect(mine.count == 5)
        #expect(Set(mine + theirs).count == 10)
        await second.close()
        #expect(try await first.next(limit: 100, timeout: .zero).count == 10)
    }

    @Test func whoJoinsReadsWhatTheOthersHaveNotCommitted() async throws {
        let stream = FakeEventStream(partitionCount: 2)
        for key in UInt8(0)..<10 { stream.publishPoison([key], key: [key], to: .analysis) }
        let first = stream.subscribe(group: "g", to: [.analysis])
        let deliveries = try await first.next(limit: 100, timeout: .zero)
        let second = stream.subscribe(group: "g", to: [.analysis])
        // The partition has gone to the second member, so committing it changes nothing.
        try await first.commit(deliveries)
        #expect(try await second.next(limit: 100, timeout: .zero).count == 5)
        #expect(try await first.next(limit: 100, timeout: .zero).isEmpty)
    }

    @Test func waitingEndsByTheManualClock() async throws {
        let clock = ManualClock()
        let subscription = FakeEventStream().subscribe(group: "g", to: [.analysis], clock: clock)
        async let deliveries = subscription.next(limit: 1, timeout: .seconds(5))
        try await clock.sleepers(atLeast: 1)
        clock.advance(by: .seconds(5))
        #expect(try await deliveries.isEmpty)
    }
}
