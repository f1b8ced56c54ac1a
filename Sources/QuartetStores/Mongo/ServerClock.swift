import ClientSupport
import Mongo
import QuartetCore
import Synchronization

/// The server's time, as it said it once and as this process's steady clock carries it on: a round trip now and then
/// instead of one for each use.
///
/// A lower bound: the server's own clock has passed it, unless that was set back meanwhile.
final class ServerClock: Sendable {
    private struct Reading {
        let milliseconds: Int64
        let at: ContinuousClock.Instant
    }

    private static let readingAgeMax: Duration = .seconds(30)
    /// By more than this no two clocks part in that time.
    private static let margin: Int64 = 20

    private let client: MongoClient
    private let reading = Mutex<Reading?>(nil)

    init(client: MongoClient) {
        self.client = client
    }

    /// In milliseconds since 1970.
    func now() async throws -> Int64 {
        let (reading, age) = try await freshReading()
        return reading.milliseconds + age.wholeMilliseconds - Self.margin
    }

    private func freshReading() async throws -> (Reading, Duration) {
        if let kept = reading.withLock({ $0 }) {
            let age = kept.at.duration(to: .now)
            if age < Self.readingAgeMax { return (kept, age) }
        }
        let reply = try await client.runCommand(["hello": 1])
        guard let time = reply["localTime"]?.asMilliseconds else { throw BSONError(.missingKey, key: "localTime") }
        let fresh = Reading(milliseconds: time, at: .now)
        reading.withLock { $0 = fresh }
        return (fresh, .zero)
    }
}
