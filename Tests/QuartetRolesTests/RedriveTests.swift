import Foundation
import Logging
import QuartetCore
import Synchronization
import Testing

@testable import QuartetRoles

/// Which dead letters are tried again, and when.
@Suite(.timeLimit(.minutes(3))) struct RedriveTests {
    /// Letters in one topic, as a bus would keep them.
    private final class Letters: DeadLetterStore {
        private let open: Mutex<[DeadLetter]>
        private let done = Mutex<[Int64]>([])
        private let looks = Mutex(0)

        var redriven: [Int64] { done.withLock { $0 } }
        var seen: Int { looks.withLock { $0 } }

        init(_ letters: [DeadLetter]) { open = Mutex(letters) }

        func forEachPage(
            from starts: [DeadLetter.Source: Int64], _ body: ([DeadLetter]) async throws -> Void
        ) async throws -> [DeadLetter.Source: Int64] {
            let letters = open.withLock { $0 }
            let page = letters.filter { $0.place.offset >= starts[$0.place.source] ?? 0 }
            looks.withLock { $0 += page.count }
            try await body(page)
            return letters.reduce(into: [:]) { $0[$1.place.source] = 100 }
        }

        func redrive(_ letters: [DeadLetter]) async throws {
            done.withLock { $0 += letters.map(\.place.offset) }
            open.withLock { $0.removeAll(where: letters.contains) }
        }

        func drop(_ letters: [DeadLetter]) async throws {}
    }

    private func letter(_ offset: Int64, times: Int?, age: TimeInterval, isCut: Bool = false) -> DeadLetter {
        var headers: [(name: String, value: [UInt8])] = []
        if let times { headers.append((DeadLetter.passingHeader, Array("\(times)".utf8))) }
        if isCut { headers.append(("dlq_truncated", Array("5".utf8))) }
        let place = DeadLetter.Place(
            topic: "user.events.dlq", partition: 0, offset: offset, writtenAt: Date(timeIntervalSince1970: 1e6 - age))
        return DeadLetter(place: place, reason: "a reason", key: [], value: [], headers: headers)
    }

    private func redriver(_ letters: Letters) -> DeadLetterRedriver {
        DeadLetterRedriver(
            configuration: Live(RedriveConfiguration()), letters: letters, now: { Date(timeIntervalSince1970: 1e6) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func onlyWhatMayPassAndIsDueIsTriedAgain() async throws {
        let letters = Letters([
            letter(0, times: nil, age: 1e5), letter(1, times: 1, age: 61), letter(2, times: 1, age: 59),
            letter(3, times: 3, age: 239), letter(4, times: 3, age: 241), letter(5, times: 21, age: 1e5),
            letter(6, times: 20, age: 3601), letter(7, times: 1, age: 61, isCut: true),
            letter(8, times: .min, age: 1e5), letter(9, times: 0, age: 1e5),
        ])
        var starts: [DeadLetter.Source: Int64] = [:]
        #expect(try await redriver(letters).runOnce(from: &starts) == 3)
        #expect(letters.redriven == [1, 4, 6])
    }

    @Test func poisonIsLookedAtOnce() async throws {
        let letters = Letters((0..<50).map { letter($0, times: $0 == 40 ? 1 : nil, age: 1) })
        var starts: [DeadLetter.Source: Int64] = [:]
        let redriver = redriver(letters)
        #expect(try await redriver.runOnce(from: &starts) == 0)
        #expect(starts.values.first == 40)
        #expect(try await redriver.runOnce(from: &starts) == 0)
        #expect(letters.seen == 60)
    }

    @Test func aReasonThatPassesIsCounted() throws {
        func delivery(_ headers: [(name: String, value: [UInt8])]) -> EventDelivery {
            EventDelivery(
                topic: "user.events", partition: 0, offset: 0, key: [], value: [], headers: headers,
                event: .failure(EventDecodingError(reason: "")))
        }
        let event: [(name: String, value: [UInt8])] = [("ce_id", [1])]
        let once = DeadLetter.headers(of: delivery(event), passes: true)
        #expect(once.map(\.name) == ["ce_id", DeadLetter.passingHeader])
        let twice = DeadLetter.headers(of: delivery(once), passes: true)
        #expect(twice.last?.value == Array("2".utf8))
        #expect(DeadLetter.headers(of: delivery(twice), passes: false).map(\.name) == ["ce_id"])
        // Anybody may send such a record.
        for text in ["\(Int.max)", "\(Int.min)", "0", "many", ""] {
            let odd = DeadLetter.headers(of: delivery([(DeadLetter.passingHeader, Array(text.utf8))]), passes: true)
            #expect(odd.map(\.value) == [Array("1".utf8)], "\(text)")
        }
    }
}
