package import Foundation
import Synchronization

/// The id of an analysis request, and so of its task, session, cards and result: a UUID of version 7, which sorts by the
/// time at which it was made.
package struct RequestID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let uuid: UUID

    package init(_ uuid: UUID) {
        self.uuid = uuid
    }

    package init?(_ text: some StringProtocol) {
        guard let uuid = UUID(uuidString: String(text)) else { return nil }
        self.uuid = uuid
    }

    /// A new id, larger than every id that this process made before.
    package static func make() -> RequestID { RequestID(UUIDv7.make()) }

    package var description: String { uuid.uuidString.lowercased() }

    /// Orders as PostgreSQL and MongoDB do: byte by byte.
    package static func < (left: RequestID, right: RequestID) -> Bool {
        withUnsafeBytes(of: left.uuid.uuid) { a in
            withUnsafeBytes(of: right.uuid.uuid) { b in a.lexicographicallyPrecedes(b) }
        }
    }
}

/// Proof of a claim: a new one at each claim, so that a worker whose lease has passed can be told from the present one.
package struct LeaseToken: Hashable, Sendable, CustomStringConvertible {
    package let uuid: UUID

    package init(_ uuid: UUID = UUID()) {
        self.uuid = uuid
    }

    package var description: String { uuid.uuidString.lowercased() }
}

/// A product's id as its shop gave it: 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`.
package struct ProductID: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package static let lengthMax = 128
    package let text: String

    package init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard !bytes.isEmpty, bytes.count <= Self.lengthMax, bytes.allSatisfy(Self.isAllowed) else { return nil }
        self.text = String(text)
    }

    /// One that the truth has, whatever its characters are: somebody made it by other means than ours, and a row that could
    /// not be read would take along all that are read with it.
    package init(stored text: String) {
        self.text = text
    }

    package var description: String { text }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = ProductID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no product's id")
        }
        self = id
    }

    package static func < (left: ProductID, right: ProductID) -> Bool { left.text < right.text }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "-"): true
        default: false
        }
    }
}

/// UUIDs of version 7: 48 bits of Unix milliseconds, then a 12-bit counter, then 62 random bits.
///
/// Source: RFC 9562, section 5.7, with the counter of section 6.2, method 1.
package enum UUIDv7 {
    private struct Last {
        var milliseconds: UInt64 = 0
        var counter: UInt16 = 0
    }

    private static let last = Mutex(Last())

    /// A UUID larger than every one that this process made before, also when the clock steps back.
    package static func make(now: Date = Date()) -> UUID {
        let present = UInt64(max(0, now.timeIntervalSince1970 * 1000))
        let (milliseconds, counter) = last.withLock { last -> (UInt64, UInt16) in
            if present > last.milliseconds {
                last = Last(milliseconds: present, counter: UInt16.random(in: 0..<1024))
            } else if last.counter < 0x0FFF {
                last.counter += 1
            } else {
                last = Last(milliseconds: last.milliseconds + 1, counter: 0)
            }
            return (last.milliseconds, last.counter)
        }
        var high = milliseconds << 16
        high |= 0x7000 | UInt64(counter)
        let low = (UInt64.random(in: 0...UInt64.max) & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
        let bytes = (high.bigEndian, low.bigEndian)
        return withUnsafeBytes(of: bytes) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}
