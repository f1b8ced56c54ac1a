/// One of the 16,384 parts in which a cluster keeps its keys.
///
/// Source: Redis, "Redis cluster specification", key distribution model and hash tags.
package enum RedisSlot {
    package static let count = 16_384

    /// The slot of a key: that of what is between its first `{` and the next `}`, where there is something.
    package static func of(_ key: some Collection<UInt8>) -> Int {
        guard let open = key.firstIndex(of: UInt8(ascii: "{")) else { return Int(crc16(key)) % count }
        let rest = key[key.index(after: open)...]
        guard let close = rest.firstIndex(of: UInt8(ascii: "}")), close > rest.startIndex else {
            return Int(crc16(key)) % count
        }
        return Int(crc16(rest[..<close])) % count
    }

    package static func of(_ key: String) -> Int { of(key.utf8) }

    /// What to put between braces so that a key is in `slot`: digits, always the same ones.
    package static func tag(of slot: Int) -> String { String(tags[slot]) }

    private static let tags: [Int] = {
        var tags = [Int](repeating: -1, count: count)
        var missing = count
        var number = 0
        while missing > 0 {
            let slot = of(String(number))
            if tags[slot] < 0 {
                tags[slot] = number
                missing -= 1
            }
            number += 1
        }
        return tags
    }()

    /// CRC-16/XMODEM.
    static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        bytes.reduce(0) { ($0 << 8) ^ remainders[Int(UInt8($0 >> 8) ^ $1)] }
    }

    private static let remainders: [UInt16] = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte) << 8) { remainder, _ in
            remainder & 0x8000 == 0 ? remainder << 1 : (remainder << 1) ^ 0x1021
        }
    }
}
