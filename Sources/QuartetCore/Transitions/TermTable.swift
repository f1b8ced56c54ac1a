import Foundation

/// Terms, each with its place in the order in which they were first named.
///
/// A fold looks up every word of every card, so this is a table of places with a short hash. The hash has a seed of the
/// process's own: reviews that were written to collide do so nowhere.
struct TermTable: Sendable {
    private(set) var terms: [String] = []
    private var hashes: [UInt64] = []
    /// Places above 0, by the hash's low bits and then the next free one; at most half full.
    private var slots: [Int32] = []

    /// The term's place, and whether it is a new one.
    mutating func add(_ text: String) -> (place: Int, isNew: Bool) {
        if slots.count < 2 * (terms.count + 1) { grow() }
        let hash = Self.hash(text)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] > 0 {
            let place = Int(slots[slot]) - 1
            if hashes[place] == hash, Term.areEqual(terms[place], text) { return (place, false) }
            slot = (slot + 1) & (slots.count - 1)
        }
        terms.append(text)
        hashes.append(hash)
        slots[slot] = Int32(terms.count)
        return (terms.count - 1, true)
    }

    func place(of text: String) -> Int? {
        guard !slots.isEmpty else { return nil }
        let hash = Self.hash(text)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] > 0 {
            let place = Int(slots[slot]) - 1
            if hashes[place] == hash, Term.areEqual(terms[place], text) { return place }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private mutating func grow() {
        let size = max(64, 2 * slots.count)
        terms.reserveCapacity(size / 2)
        hashes.reserveCapacity(size / 2)
        slots = [Int32](repeating: 0, count: size)
        for (place, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & (size - 1)
            while slots[slot] > 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = Int32(place + 1)
        }
    }

    private static let seed = UInt64.random(in: 0...UInt64.max)

    /// Eight bytes at a time, each multiplied into 128 bits whose halves are mixed, as in wyhash.
    private static func hash(_ text: String) -> UInt64 {
        Term.withBytes(text) { bytes in
            var hash = mix(seed ^ UInt64(bytes.count), 0x9E37_79B9_7F4A_7C15)
            var offset = 0
            while offset + 8 <= bytes.count {
                hash = mix(hash ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self), 0xA076_1D64_78BD_642F)
                offset += 8
            }
            var last: UInt64 = 0
            while offset < bytes.count {
                last = last << 8 | UInt64(bytes[offset])
                offset += 1
            }
            return mix(hash ^ last, seed | 1)
        }
    }

    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}

/// A word as its bytes: Swift takes differently composed strings for equal, and which of them a table then shows would
/// depend on the order of the cards.
enum Term {
    static func areEqual(_ left: String, _ right: String) -> Bool {
        withBytes(left) { left in
            withBytes(right) { right in
                left.count == right.count && order(left, right) == 0
            }
        }
    }

    static func precedes(_ left: String, _ right: String) -> Bool {
        withBytes(left) { left in
            withBytes(right) { right in
                let order = order(left, right)
                return order < 0 || (order == 0 && left.count < right.count)
            }
        }
    }

    /// Of the bytes that both have.
    private static func order(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int32 {
        guard let first = left.baseAddress, let second = right.baseAddress else { return 0 }
        return memcmp(first, second, min(left.count, right.count))
    }

    static func withBytes<Value>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        var text = text
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}
