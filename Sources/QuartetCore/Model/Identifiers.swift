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

/// What a shop may use as an id: any text of 1 to 128 bytes in Unicode's composed form (NFC), without control characters.
///
/// Texts that differ in their form only are equal in Swift, and two keys in the stores; so one form is taken.
package enum ShopID {
    package static let bytesMax = 128
    /// For people, behind "is".
    package static let rule = "1 to \(bytesMax) bytes in Unicode's composed form (NFC), without control characters"

    package static func isValid(_ text: some StringProtocol) -> Bool {
        let bytes = text.utf8
        guard !bytes.isEmpty, bytes.count <= bytesMax else { return false }
        if bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) { return true }
        return text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            && bytes.elementsEqual(text.precomposedStringWithCanonicalMapping.utf8)
    }
}

/// A product's id as its shop gave it, see ``ShopID``.
package struct ProductID: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let text: String

    package init?(_ text: some StringProtocol) {
        guard ShopID.isValid(text) else { return nil }
        self.text = String(text)
    }

    /// One that the truth has, whatever its characters are: somebody made it by other means than ours, and a row that could
    /// not be read would take along all that are read with it.
    package init(stored text: String) {
        self.text = text
    }

    package var description: String { text }

    /// As a part of a URL's path or a value in its query: it can't become another path.
    package var pathPart: String { text.addingPercentEncoding(withAllowedCharacters: Self.unreserved) ?? text }

    /// RFC 3986, section 2.3, and `:`, which a path may have.
    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:")

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

    /// Orders as PostgreSQL does: byte by byte.
    package static func < (left: ProductID, right: ProductID) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
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
