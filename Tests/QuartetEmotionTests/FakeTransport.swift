import ClientSupport
import Foundation
import QuartetCore
import QuartetEmotion
import Synchronization

/// A model server inside the test: `behave` answers the n-th request (from 0) for these ids, or never does.
final class FakeTransport: AnalyzerTransport {
    struct Call: Sendable {
        let number: Int
        let ids: [String]
    }

    private struct State {
        var calls: [Call] = []
        var running = 0
        var runningMax = 0
    }

    private let state = Mutex(State())
    private let behave: @Sendable (Call) async throws -> AnalyzerAnswer

    init(_ behave: @escaping @Sendable (Call) async throws -> AnalyzerAnswer) {
        self.behave = behave
    }

    var calls: [Call] { state.withLock { $0.calls } }
    var runningMax: Int { state.withLock { $0.runningMax } }

    func post(_ body: [UInt8], deadline: Deadline) async throws -> AnalyzerAnswer {
        struct Request: Decodable {
            struct Entry: Decodable {
                let id: String
                let text: String
            }
            let reviews: [Entry]
        }
        let ids = try JSONDecoder().decode(Request.self, from: Data(body)).reviews.map(\.id)
        let call = state.withLock { state in
            let call = Call(number: state.calls.count, ids: ids)
            state.calls.append(call)
            state.running += 1
            state.runningMax = max(state.runningMax, state.running)
            return call
        }
        defer { state.withLock { $0.running -= 1 } }
        return try await behave(call)
    }

    /// A sound reading, as JSON.
    static func reading(_ id: String, polarity: String = "0.5", extra: String = "") -> String {
        """
        {"id": "\(id)", "scores": {"joy": 0.7, "sadness": 0, "anger": 0.1, "fear": 0, "disgust": 0, "surprise": 0.1, \
        "neutral": 0.1}, "polarity": \(polarity)\(extra)}
        """
    }

    static func answer(_ readings: [String], status: Int = 200) -> AnalyzerAnswer {
        AnalyzerAnswer(status: status, body: Array("{\"readings\": [\(readings.joined(separator: ","))]}".utf8))
    }

    /// Returns when the task is cancelled, never before.
    static func hang() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        for await _ in stream {}
        continuation.finish()
    }

    static func sound(_ call: Call) -> AnalyzerAnswer {
        answer(call.ids.map { reading($0) })
    }
}

/// Waits that a test asked for and did not take.
final class Pauses: Sendable {
    private let taken = Mutex<[Duration]>([])

    var all: [Duration] { taken.withLock { $0 } }

    @Sendable func pause(_ duration: Duration) async throws {
        try Task.checkCancellation()
        taken.withLock { $0.append(duration) }
    }
}
