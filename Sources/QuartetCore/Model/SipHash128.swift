/// SipHash-2-4 with a 128-bit result, fed in words of 64 bits: a string is its length in bytes, then its bytes padded
/// with zeros to whole words.
///
/// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, and its 128-bit variant.
struct SipHash128 {
    private var v0, v1, v2, v3: UInt64
    private var byteCount: UInt64 = 0

    init(key0: UInt64, key1: UInt64) {
        v0 = key0 ^ 0x736f_6d65_7073_6575
        v1 = key1 ^ 0x646f_7261_6e64_6f6d ^ 0xee
        v2 = key0 ^ 0x6c79_6765_6e65_7261
        v3 = key1 ^ 0x7465_6462_7974_6573
    }

    mutating func append(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
        byteCount &+= 8
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            append(UInt64(bytes.count))
            var offset = 0
            while offset + 8 <= bytes.count {
                let raw = UnsafeRawBufferPointer(bytes)
                append(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
                offset += 8
            }
            guard offset < bytes.count else { return }
            var last: UInt64 = 0
            for index in stride(from: bytes.count - 1, through: offset, by: -1) {
                last = last << 8 | UInt64(bytes[index])
            }
            append(last)
        }
    }

    consuming func finish() -> (high: UInt64, low: UInt64) {
        append(byteCount << 56)
        v2 ^= 0xee
        for _ in 0..<4 { round() }
        let low = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xdd
        for _ in 0..<4 { round() }
        return (v0 ^ v1 ^ v2 ^ v3, low)
    }

    private mutating func round() {
        v0 &+= v1
        v2 &+= v3
        v1 = Self.rotate(v1, 13) ^ v0
        v3 = Self.rotate(v3, 16) ^ v2
        v0 = Self.rotate(v0, 32)
        v2 &+= v1
        v0 &+= v3
        v1 = Self.rotate(v1, 17) ^ v2
        v3 = Self.rotate(v3, 21) ^ v0
        v2 = Self.rotate(v2, 32)
    }

    private static func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 {
        word << bits | word >> (64 - bits)
    }
}
