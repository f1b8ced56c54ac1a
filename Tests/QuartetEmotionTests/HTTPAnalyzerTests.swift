import ClientSupport
import Foundation
import QuartetCore
import Testing

@testable import QuartetEmotion

@Suite("HTTP analyser")
struct HTTPAnalyzerTests {
    private let pauses = Pauses()
    private let reviews = (0..<10).map { Review(id: "r\($0)", text: "text \"\($0)\"\n") }

    private func analyzer(
        _ transport: FakeTransport, _ change: (inout HTTPAnalyzerConfiguration) -> Void = { _ in }
    ) -> HTTPAnalyzer {
        var configuration = HTTPAnalyzerConfiguration()
        configuration.reviewsPerRequestMax = 4
        // Not the tests' subject, but for the one that says otherwise.
        configuration.requestTimeout = .seconds(600)
        change(&configuration)
        return HTTPAnalyzer(configuration: configuration, transport: transport, pause: pauses.pause)
    }

    private func failures(_ results: [Result<EmotionReading, AnalyzerError>]) -> [AnalyzerError] {
        results.compactMap { if case .failure(let error) = $0 { error } else { nil } }
    }

    @Test("Readings come back in the order of the reviews, whatever order the server has")
    func order() async throws {
        let transport = FakeTransport { call in
            FakeTransport.answer(
                call.ids.reversed().map { FakeTransport.reading($0, extra: ", \"excerpt\": \"\($0)\"") })
        }
        let results = try await analyzer(transport).analyze(reviews)
        #expect(try results.map { try $0.get().excerpt } == reviews.map(\.id))
        let first = try results[0].get()
        #expect(first.emotion == .joy)
        #expect(first.polarity == Fraction(0.5))
        #expect(Set(transport.calls.map { $0.ids.count }) == [4, 2])
        #expect(try await analyzer(transport).analyze([]).isEmpty)
    }

    @Test("A server that is busy or away is asked again, after growing pauses")
    func retries() async throws {
        let transport = FakeTransport { call in
            switch call.number {
            case 0: throw HTTPAnalyzerError(code: .unreachable, message: "refused")
            case 1: AnalyzerAnswer(status: 503, body: [])
            case 2: AnalyzerAnswer(status: 429, body: [], retryAfter: .seconds(7))
            default: FakeTransport.sound(call)
            }
        }
        let results = try await analyzer(transport).analyze(Array(reviews.prefix(3)))
        #expect(failures(results).isEmpty)
        #expect(transport.calls.count == 4)
        #expect(pauses.all.count == 3)
        #expect(pauses.all[2] == .seconds(7))
    }

    @Test("A Retry-After beyond the bound is cut")
    func retryAfterMax() async throws {
        let transport = FakeTransport { call in
            call.number == 0
                ? AnalyzerAnswer(status: 503, body: [], retryAfter: .seconds(3_600)) : FakeTransport.sound(call)
        }
        _ = try await analyzer(transport).analyze([reviews[0]])
        #expect(pauses.all == [.seconds(30)])
    }

    @Test("Tries are bounded, and when nothing was read the call throws")
    func away() async throws {
        let transport = FakeTransport { _ in AnalyzerAnswer(status: 500, body: []) }
        let error = await #expect(throws: HTTPAnalyzerError.self) {
            try await analyzer(transport) { $0.triesMax = 3 }.analyze([reviews[0]])
        }
        #expect(error?.code == .busy)
        #expect(error?.isRetriable == true)
        #expect(error?.description == "model server: status 500")
        // The last one asks whether it is the review's fault.
        #expect(transport.calls.map(\.ids) == [["r0"], ["r0"], ["r0"], ["probe"]])
    }

    @Test(
        "A review at which the server always fails is its own failure while the server reads others",
        arguments: [1, 4])
    func poison(reviewsPerRequest: Int) async throws {
        let transport = FakeTransport { call in
            call.ids.contains("r2") ? AnalyzerAnswer(status: 502, body: []) : FakeTransport.sound(call)
        }
        let results = try await analyzer(transport) { $0.reviewsPerRequestMax = reviewsPerRequest }
            .analyze(Array(reviews.prefix(4)))
        #expect(failures(results).map(\.reviewID) == ["r2"])
        #expect(failures(results)[0].message == "model server: status 502")
        #expect(try results[3].get().emotion == .joy)
    }

    @Test("A review alone at which the server fails is no outage")
    func poisonAlone() async throws {
        let transport = FakeTransport { call in
            call.ids == ["r0"] ? AnalyzerAnswer(status: 500, body: []) : FakeTransport.sound(call)
        }
        let results = try await analyzer(transport).analyze([reviews[0]])
        #expect(failures(results).map(\.reviewID) == ["r0"])
    }

    @Test("What the server refuses is not sent again")
    func refused() async throws {
        let transport = FakeTransport { _ in AnalyzerAnswer(status: 400, body: []) }
        let error = await #expect(throws: HTTPAnalyzerError.self) {
            try await analyzer(transport).analyze([reviews[0]])
        }
        #expect(error?.code == .refused)
        #expect(error?.isRetriable == false)
        #expect(transport.calls.count == 1)
    }

    @Test("An answer that does not come in time is a timeout")
    func timeout() async throws {
        let transport = FakeTransport { call in
            await FakeTransport.hang()
            return FakeTransport.sound(call)
        }
        let error = await #expect(throws: HTTPAnalyzerError.self) {
            try await analyzer(transport) { ($0.requestTimeout, $0.triesMax) = (.milliseconds(20), 2) }
                .analyze([reviews[0]])
        }
        #expect(error?.code == .timeout)
        #expect(transport.calls.map(\.ids) == [["r0"], ["r0"], ["probe"]])
    }

    @Test("One batch that fails does not take the others with it")
    func partialBatches() async throws {
        let transport = FakeTransport { call in
            call.ids.contains("r5") ? AnalyzerAnswer(status: 404, body: []) : FakeTransport.sound(call)
        }
        let results = try await analyzer(transport).analyze(reviews)
        let failed = failures(results)
        #expect(failed.map(\.reviewID) == ["r4", "r5", "r6", "r7"])
        #expect(failed[0].message == "model server: status 404")
    }

    @Test("A review the server can't read, leaves out or reads wrongly is its own failure")
    func partialReadings() async throws {
        let wrong = [
            "{\"id\": \"r0\", \"error\": \"too\\nodd\"}",
            FakeTransport.reading("r2", polarity: "1.5"),
            FakeTransport.reading("r3", extra: ", \"emotion\": \"hope\""),
            FakeTransport.reading("r4", extra: ", \"keywords\": [\"a\", \"a\"]"),
            FakeTransport.reading("r5", extra: ", \"excerpt\": \"\(String(repeating: "x", count: 241))\""),
            "{\"id\": \"r6\", \"scores\": {\"joy\": 1}, \"polarity\": 0}",
            "{\"id\": \"r7\", \"polarity\": \"good\"}",
            FakeTransport.reading("r8", polarity: "null"),
            FakeTransport.reading("r9"),
        ]
        let transport = FakeTransport { _ in FakeTransport.answer(wrong) }
        let results = try await analyzer(transport) { $0.reviewsPerRequestMax = 10 }.analyze(reviews)
        #expect(failures(results).map(\.reviewID) == reviews.map(\.id).dropLast())
        #expect(failures(results)[0].message == "too odd")
        #expect(try results[9].get().emotion == .joy)
        #expect(transport.calls.count == 1)
    }

    @Test(
        "An answer of another form is refused whole",
        arguments: [
            "", "[]", "{}", "{\"readings\": 1}", "\u{0}",
            "{\"readings\": [{\"id\": \"r0\", \"error\": \"a\"}, {\"id\": \"r0\", \"error\": \"b\"}]}",
        ])
    func badAnswer(body: String) async throws {
        let transport = FakeTransport { _ in AnalyzerAnswer(status: 200, body: Array(body.utf8)) }
        let error = await #expect(throws: HTTPAnalyzerError.self) {
            try await analyzer(transport).analyze([reviews[0]])
        }
        #expect(error?.code == .badAnswer)
        #expect(transport.calls.count == 1)
    }

    @Test("No more requests than allowed are on the way at once, over all callers")
    func concurrency() async throws {
        let transport = FakeTransport { call in
            for _ in 0..<20 { await Task.yield() }
            return FakeTransport.sound(call)
        }
        let analyzer = analyzer(transport) { ($0.requestsMax, $0.reviewsPerRequestMax) = (2, 1) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    let count = try await analyzer.analyze(reviews).count
                    #expect(count == 10)
                }
            }
            try await group.waitForAll()
        }
        #expect(transport.calls.count == 50)
        #expect(transport.runningMax <= 2)
    }

    @Test("Words are one whichever Unicode form the server writes")
    func composed() async throws {
        let cafe = "café".decomposedStringWithCanonicalMapping
        let transport = FakeTransport { call in
            let extra = ", \"keywords\": [\"\(cafe)\"], \"aspects\": [{\"term\": \"\(cafe)\", \"polarity\": 1}]"
            return FakeTransport.answer([FakeTransport.reading(call.ids[0], extra: extra)])
        }
        let reading = try await analyzer(transport).analyze([reviews[0]])[0].get()
        let composed = Array("café".precomposedStringWithCanonicalMapping.utf8)
        #expect(reading.keywords.map { Array($0.utf8) } == [composed])
        #expect(reading.aspects.map { Array($0.term.utf8) } == [composed])
    }

    @Test("Requests are spaced by the rate limit")
    func rate() {
        let gate = RequestGate(runningMax: 1, perSecondMax: 10)
        let start = ContinuousClock.now
        #expect((0..<3).map { _ in gate.reserveStart(now: start) } == [.zero, .milliseconds(100), .milliseconds(200)])
        #expect(gate.reserveStart(now: start.advanced(by: .seconds(1))) == .zero)
        #expect(RequestGate(runningMax: 1, perSecondMax: 0).reserveStart(now: start) == .zero)
    }

    @Test("A cancelled call ends, also while it waits its turn")
    func cancellation() async throws {
        let (began, signal) = AsyncStream.makeStream(of: Void.self)
        let transport = FakeTransport { call in
            signal.yield()
            await FakeTransport.hang()
            return FakeTransport.sound(call)
        }
        let analyzer = analyzer(transport) { ($0.requestsMax, $0.requestTimeout) = (1, .seconds(600)) }
        let running = Task { try await analyzer.analyze(reviews) }
        for await _ in began { break }
        let waiting = Task { try await analyzer.analyze(reviews) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
        #expect(transport.calls.count == 1)
    }

    @Test("The analyser names the model by its configured version")
    func identity() {
        #expect(
            analyzer(FakeTransport(FakeTransport.sound)) { $0.version = "bert-7" }.identity.description == "http/bert-7"
        )
    }
}
