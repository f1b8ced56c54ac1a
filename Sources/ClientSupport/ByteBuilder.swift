/// Bytes that grow by whole elements: room and ownership are checked once for each element, not once for each byte of it.
///
/// Inlined where it is used: what an element costs is then a comparison and its stores.
package struct ByteBuilder: Sendable {
    /// Longer than what was written.
    @usableFromInline var storage: [UInt8]
    @usableFromInline var written: Int

    @inlinable
    package init(reserving bytes: Int = 0) {
        storage = bytes > 0 ? [UInt8](repeating: 0, count: bytes) : []
        written = 0
    }

    /// Goes on behind `bytes`.
    @inlinable
    package init(continuing bytes: [UInt8]) {
        storage = bytes
        written = bytes.count
    }

    @inlinable
    package var count: Int { written }

    /// Adds `size` bytes, all of which `write` sets.
    @inlinable @inline(__always)
    package mutating func append(_ size: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
        let start = written
        if storage.count &- start < size { grow(size) }
        storage.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            write(base + start)
        }
        written = start &+ size
    }

    @inlinable @inline(__always)
    package mutating func append(_ byte: UInt8) {
        append(1) { $0.storeBytes(of: byte, as: UInt8.self) }
    }

    @inlinable
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        append(bytes.count) { $0.copyMemory(from: base, byteCount: bytes.count) }
    }

    @inlinable
    package mutating func append(contentsOf bytes: some Sequence<UInt8>) {
        if bytes.withContiguousStorageIfAvailable({ append(UnsafeRawBufferPointer($0)) }) == nil {
            for byte in bytes { append(byte) }
        }
    }

    /// Overwrites what was written at `offset`.
    @inlinable
    package mutating func store(_ value: Int32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= written, "only what was written is overwritten")
        storage.withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Int32.self) }
    }

    /// Takes back what was written from `count` on.
    package mutating func truncate(to count: Int) {
        precondition((0...written).contains(count), "what was not written can't stay")
        written = count
    }

    /// All that was written; nothing is left.
    package mutating func take() -> [UInt8] {
        var bytes: [UInt8] = []
        swap(&bytes, &storage)
        bytes.removeLast(bytes.count - written)
        written = 0
        return bytes
    }

    /// A copy of all that was written.
    package var bytes: [UInt8] { Array(storage[..<written]) }

    package func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try storage.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<written])) }
    }

    @usableFromInline @inline(never)
    mutating func grow(_ size: Int) {
        let room = max(64, 2 * storage.count, written + size)
        storage.append(contentsOf: repeatElement(0, count: room - storage.count))
    }
}
