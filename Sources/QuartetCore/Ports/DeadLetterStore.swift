package import Foundation

/// An event that was put aside, with the reason.
package struct DeadLetter: Sendable, Hashable {
    /// A partition of a topic of dead letters.
    package struct Source: Sendable, Hashable {
        package let topic: String
        package let partition: Int32

        package init(topic: String, partition: Int32) {
            self.topic = topic
            self.partition = partition
        }
    }

    /// Where it lies: topic, partition, offset and time of writing. A topic that was made anew begins again at offset 0.
    package struct Place: Sendable, Hashable {
        package let topic: String
        package let partition: Int32
        package let offset: Int64
        package let writtenAt: Date

        package init(topic: String, partition: Int32, offset: Int64, writtenAt: Date) {
            self.topic = topic
            self.partition = partition
            self.offset = offset
            self.writtenAt = writtenAt
        }

        package var source: Source { Source(topic: topic, partition: partition) }

        /// `analysis.events.dlq/0/12`: what people call it by.
        package var name: String { "\(topic)/\(partition)/\(offset)" }
    }

    package let place: Place
    package let reason: String
    package let key: [UInt8]
    package let value: [UInt8]
    package let headers: [(name: String, value: [UInt8])]

    package init(
        place: Place, reason: String, key: [UInt8], value: [UInt8], headers: [(name: String, value: [UInt8])]
    ) {
        self.place = place
        self.reason = reason
        self.key = key
        self.value = value
        self.headers = headers
    }

    package static func == (left: DeadLetter, right: DeadLetter) -> Bool { left.place == right.place }
    package func hash(into hasher: inout Hasher) { hasher.combine(place) }

    /// Whether it was too large to be put aside whole: what is left of it is no event.
    package var isCut: Bool { headers.contains { $0.name == "dlq_truncated" } }

    /// Says that the reason may pass, and how often the event was put aside for such a one.
    package static let passingHeader = "dlq_passing"

    /// How often it was put aside for reasons that may pass; nil where the present one may not.
    package var timesPutAside: Int? { header(Self.passingHeader).flatMap(Self.times) }

    /// Nil for what this never writes: anybody may send records with such a header.
    private static func times(_ text: String) -> Int? { Int32(text).flatMap { $0 > 0 ? Int($0) : nil } }

    /// The headers that a delivery has once it is put aside, without those that say why and whence.
    package static func headers(
        of delivery: EventDelivery, passes: Bool
    ) -> [(name: String, value: [UInt8])] {
        let before = delivery.headers.last { $0.name == passingHeader }.flatMap {
            times(String(decoding: $0.value, as: UTF8.self))
        }
        let kept = delivery.headers.filter { !$0.name.hasPrefix("dlq_") }
        return passes ? kept + [(passingHeader, Array("\((before ?? 0) + 1)".utf8))] : kept
    }

    /// The headers with which it goes back to where it came from.
    package var headersOfEvent: [(name: String, value: [UInt8])] {
        headers.filter { !$0.name.hasPrefix("dlq_") || $0.name == Self.passingHeader }
    }

    /// The last value of that name as text; nil if there is none.
    package func header(_ name: String) -> String? {
        headers.last { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) }
    }
}

/// What was done with a dead letter.
package enum DeadLetterOutcome: String, Sendable, Hashable, CaseIterable {
    case redriven, dropped
}

/// Dead letters of every topic. They stay where they are; what was done with them is recorded, so that doing it twice changes
/// nothing.
package protocol DeadLetterStore: Sendable {
    /// Those that nothing was done with, in the order of their places. Topics are read to their ends as they are now, and
    /// `body` gets what they have in parts.
    ///
    /// - Parameter starts: where to begin in each partition, where that can be chosen; at its beginning unless it is named.
    /// - Returns: where each partition ended, in the same form.
    @discardableResult
    func forEachPage(
        from starts: [DeadLetter.Source: Int64], _ body: ([DeadLetter]) async throws -> Void
    ) async throws -> [DeadLetter.Source: Int64]

    /// Sends letters to the topics whence they came, as they were, and records it; not those that were cut.
    func redrive(_ letters: [DeadLetter]) async throws

    /// Records that nobody wants them.
    func drop(_ letters: [DeadLetter]) async throws
}

extension DeadLetterStore {
    package func forEachPage(_ body: ([DeadLetter]) async throws -> Void) async throws {
        _ = try await forEachPage(from: [:], body)
    }
}
