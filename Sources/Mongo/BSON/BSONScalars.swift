import Foundation
import Synchronization

/// Twelve bytes: seconds, a number of this process, a counter.
package struct BSONObjectID: Sendable, Hashable, CustomStringConvertible {
    let high: UInt64
    let low: UInt32

    /// A new one, unlike any other.
    package init() {
        let seconds = UInt64(UInt32(truncatingIfNeeded: Int64(Date().timeIntervalSince1970)))
        let count = UInt64(Self.counter.wrappingAdd(1, ordering: .relaxed).newValue & 0xFF_FFFF)
        high = seconds << 32 | Self.process >> 8
        low = UInt32(truncatingIfNeeded: (Self.process & 0xFF) << 24 | count)
    }
    init(high: UInt64, low: UInt32) {
        self.high = high
        self.low = low
    }

    /// 24 hexadecimal digits, or nil.
    package init?(_ hex: String) {
        guard hex.utf8.count == 24, hex.utf8.allSatisfy({ UInt8(ascii: "+") != $0 && UInt8(ascii: "-") != $0 }),
            let high = UInt64(hex.prefix(16), radix: 16), let low = UInt32(hex.suffix(8), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    package var bytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
            + (0..<4).map { UInt8(truncatingIfNeeded: low >> (24 - 8 * $0)) }
    }

    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Five random bytes, one draw a process.
    private static let process = UInt64.random(in: 0..<(1 << 40))
    private static let counter = Atomic<UInt32>(UInt32.random(in: 0..<(1 << 24)))
}

/// MongoDB's internal timestamp: the oplog's time, not a date.
package struct BSONTimestamp: Sendable, Hashable {
    package let seconds: UInt32
    package let increment: UInt32

    package init(seconds: UInt32, increment: UInt32) {
        self.seconds = seconds
        self.increment = increment
    }
}

/// IEEE 754 decimal, kept as its 128 bits.
package struct BSONDecimal128: Sendable, Hashable {
    package let low: UInt64
    package let high: UInt64

    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }
}

/// Bytes and what they are. A subtype 4 of 16 bytes is read as a UUID instead.
package struct BSONBinary: Sendable, Hashable {
    package let subtype: UInt8
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8], subtype: UInt8 = 0) {
        self.bytes = bytes
        self.subtype = subtype
    }
}
