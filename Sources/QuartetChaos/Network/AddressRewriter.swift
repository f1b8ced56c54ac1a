import Foundation
import NIOCore

/// How a protocol says where a message ends.
enum MessageFraming: Sendable {
    /// Four bytes, little-endian, that count themselves in: MongoDB.
    case littleEndianInclusive
    /// Four bytes, big-endian, that do not: Kafka.
    case bigEndianExclusive
}

/// Replaces a server's address by the proxy's in its answers: a replica set and a cluster of brokers tell their clients where
/// to connect, and would lead them past the proxy. An address is replaced by one of the same length, so that no length in a
/// message changes.
struct AddressRewriter {
    struct Replacement: Sendable {
        let old: [UInt8]
        let new: [UInt8]
    }

    private let framing: MessageFraming
    private let replacements: [Replacement]
    private var buffer = ByteBuffer()

    init(_ framing: MessageFraming, _ replacements: [Replacement]) {
        precondition(replacements.allSatisfy { $0.old.count == $0.new.count }, "no length may change")
        (self.framing, self.replacements) = (framing, replacements)
    }

    /// Takes what a server sent, and returns the messages that are complete.
    mutating func messages(with bytes: ByteBuffer) -> ByteBuffer {
        buffer.writeImmutableBuffer(bytes)
        var whole = 0
        while let length = lengthOfMessage(at: buffer.readerIndex + whole), whole + length <= buffer.readableBytes {
            whole += length
        }
        guard whole > 0, let part = buffer.readBytes(length: whole) else { return ByteBuffer() }
        buffer.discardReadBytes()
        return ByteBuffer(bytes: replaced(part))
    }

    /// What is left of a message that was not ended.
    mutating func rest() -> ByteBuffer {
        defer { buffer.clear() }
        return buffer.slice()
    }

    private func lengthOfMessage(at index: Int) -> Int? {
        switch framing {
        case .littleEndianInclusive:
            buffer.getInteger(at: index, endianness: .little, as: Int32.self).map { max(4, Int($0)) }
        case .bigEndianExclusive:
            buffer.getInteger(at: index, endianness: .big, as: Int32.self).map { 4 + max(0, Int($0)) }
        }
    }

    private func replaced(_ bytes: [UInt8]) -> [UInt8] {
        var data = Data(bytes)
        for replacement in replacements {
            var start = data.startIndex
            while let place = data.range(of: Data(replacement.old), in: start..<data.endIndex) {
                data.replaceSubrange(place, with: replacement.new)
                start = place.upperBound
            }
        }
        return Array(data)
    }
}
