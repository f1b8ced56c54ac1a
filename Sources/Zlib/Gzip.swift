import CZlib
package import NIOCore

/// gzip of whole bodies.
package enum Gzip {
    /// Quick rather than small.
    private static let level: Int32 = 1

    /// Nil where zlib can't.
    package static func packed(_ body: ByteBuffer) -> ByteBuffer? {
        // Its address must stay: zlib checks it.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        defer { stream.deallocate() }
        stream.initialize(to: z_stream())
        guard quartet_deflate_init(stream, level) == Z_OK else { return nil }
        defer { deflateEnd(stream) }
        let most = Int(deflateBound(stream, uLong(body.readableBytes)))
        var (input, output) = (body, ByteBuffer())
        var status = Z_OK
        input.withUnsafeMutableReadableBytes { bytes in
            stream.pointee.next_in = bytes.bindMemory(to: Bytef.self).baseAddress
            stream.pointee.avail_in = uInt(bytes.count)
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: most) { bytes in
                stream.pointee.next_out = bytes.bindMemory(to: Bytef.self).baseAddress
                stream.pointee.avail_out = uInt(most)
                status = deflate(stream, Z_FINISH)
                return most - Int(stream.pointee.avail_out)
            }
        }
        return status == Z_STREAM_END ? output : nil
    }
}
