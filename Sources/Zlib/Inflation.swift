import CZlib
package import NIOCore

/// zlib's state for unpacking gzip or deflate, piece by piece.
package final class Inflation {
    package enum Failure: Error {
        case outOfMemory
        /// It is not packed so, or something follows its end.
        case malformed
        /// More came out than may.
        case tooLarge
    }

    private static let stepBytes = 64 * 1024

    private let stream: UnsafeMutablePointer<z_stream>
    /// Nothing more is to come.
    package private(set) var isAtEnd = false

    package init() throws(Failure) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard quartet_inflate_init(stream) == Z_OK else {
            stream.deallocate()
            throw .outOfMemory
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Appends what `packed` unpacks to, of which `output` may have `bytesMax` in all.
    package func add(_ packed: ByteBuffer, to output: inout ByteBuffer, atMost bytesMax: Int) throws(Failure) {
        var packed = packed
        var owesOutput = false
        while packed.readableBytes > 0 || owesOutput {
            if isAtEnd {
                // Several files one behind the other are one, says RFC 1952, section 2.2.
                guard inflateReset(stream) == Z_OK else { throw .malformed }
                isAtEnd = false
            }
            let room = min(Self.stepBytes, bytesMax - output.readableBytes + 1)
            let status = step(&packed, to: &output, room: room)
            owesOutput = stream.pointee.avail_out == 0
            guard output.readableBytes <= bytesMax else { throw .tooLarge }
            switch status {
            case Z_OK: break
            case Z_STREAM_END: (isAtEnd, owesOutput) = (true, false)
            // There was nothing left to do.
            case Z_BUF_ERROR: owesOutput = false
            case Z_MEM_ERROR: throw .outOfMemory
            default: throw .malformed
            }
        }
    }

    private func step(_ packed: inout ByteBuffer, to output: inout ByteBuffer, room: Int) -> Int32 {
        var status = Z_OK
        packed.readWithUnsafeMutableReadableBytes { input in
            stream.pointee.next_in = input.bindMemory(to: Bytef.self).baseAddress
            stream.pointee.avail_in = uInt(input.count)
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { bytes in
                stream.pointee.next_out = bytes.bindMemory(to: Bytef.self).baseAddress
                stream.pointee.avail_out = uInt(room)
                status = inflate(stream, Z_NO_FLUSH)
                return room - Int(stream.pointee.avail_out)
            }
            return input.count - Int(stream.pointee.avail_in)
        }
        return status
    }
}
