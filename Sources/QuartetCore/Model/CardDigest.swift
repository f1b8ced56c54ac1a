import Foundation

/// An order-independent digest of a set of cards: the sum, lane by lane modulo 2^64, of a keyed 128-bit hash of each.
///
/// A sum, unlike an exclusive or, also sees a card that is there twice. The key is the request's id, so that equal
/// readings in two requests do not give equal terms.
///
/// Source: Bellare and Micciancio, "A New Paradigm for Collision-Free Hashing: Incrementality at Reduced Cost", 1997
/// (AdHash); the hash is ``SipHash128``.
package struct CardDigest: Hashable, Sendable, CustomStringConvertible {
    package private(set) var high: UInt64
    package private(set) var low: UInt64

    package static let empty = CardDigest(high: 0, low: 0)

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The digest whose ``bytes`` are `bytes`, or nil unless there are 16.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
    }

    package mutating func add(_ card: EmotionCard) {
        let term = card.hash128()
        high &+= term.high
        low &+= term.low
    }

    /// 16 bytes, big-endian.
    package var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 16) { bytes, count in
            for place in 0..<16 { bytes[place] = byte(place) }
            count = 16
        }
    }

    private func byte(_ place: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: (place < 8 ? high : low) >> (56 - 8 * UInt64(place & 7)))
    }

    /// 32 hexadecimal digits.
    package var description: String {
        let digits = StaticString("0123456789abcdef")
        return String(unsafeUninitializedCapacity: 32) { text in
            for place in 0..<16 {
                text[2 * place] = digits.utf8Start[Int(byte(place) >> 4)]
                text[2 * place + 1] = digits.utf8Start[Int(byte(place) & 15)]
            }
            return 32
        }
    }
}

extension EmotionCard {
    private func append(to hash: inout SipHash128) {
        hash.append(UInt64(month?.number ?? 0))
        hash.append(UInt64(reading.aspects.count))
        for aspect in reading.aspects {
            hash.append(aspect.term)
            hash.append(aspect.opinion)
            hash.append(UInt64(bitPattern: Int64(aspect.polarity.tenThousandths)))
            hash.append(UInt64(aspect.span.lowerBound))
            hash.append(UInt64(aspect.span.upperBound))
            hash.append(aspect.text)
            hash.append(UInt64(aspect.category.index))
        }
    }

    /// The card's own term of the digest: every field, each with its length where that varies.
    fileprivate func hash128() -> (high: UInt64, low: UInt64) {
        let (key0, key1) = withUnsafeBytes(of: requestID.uuid.uuid) {
            (
                UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        var hash = SipHash128(key0: key0, key1: key1)
        hash.append(UInt64(truncatingIfNeeded: ordinal))
        hash.append(reviewID)
        hash.append(UInt64(reading.emotion.index))
        for emotion in Emotion.allCases {
            hash.append(UInt64(bitPattern: Int64(reading.scores[emotion].tenThousandths)))
        }
        hash.append(UInt64(bitPattern: Int64(reading.polarity.tenThousandths)))
        hash.append(UInt64(reading.keywords.count))
        for keyword in reading.keywords { hash.append(keyword) }
        hash.append(reading.excerpt)
        // Cards from before there were aspects keep their terms.
        if !reading.aspects.isEmpty || month != nil { append(to: &hash) }
        return hash.finish()
    }
}
