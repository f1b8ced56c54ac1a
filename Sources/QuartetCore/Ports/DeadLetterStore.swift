package import Foundation

/// An event that was put aside, with the reason.
package struct DeadLetter: Sendable, Hashable {
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
    func forEachPage(_ body: ([DeadLetter]) async throws -> Void) async throws

    /// Sends letters to the topics whence they came, as they were, and records it.
    func redrive(_ letters: [DeadLetter]) async throws

    /// Records that nobody wants them.
    func drop(_ letters: [DeadLetter]) async throws
}
