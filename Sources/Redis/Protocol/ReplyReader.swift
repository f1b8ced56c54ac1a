import CHiredis

/// hiredis's parser, fed by hand. Owns the C reader and what it points to; no pointer leaves.
///
/// The parser calls back for each piece of a reply, and the pieces become Swift values directly, so that a reply is
/// copied once.
struct ReplyReader: ~Copyable {
    private let reader: UnsafeMutablePointer<redisReader>
    private let builder: UnsafeMutablePointer<ReplyBuilder>
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>

    init() {
        builder = .allocate(capacity: 1)
        builder.initialize(to: ReplyBuilder())
        functions = .allocate(capacity: 1)
        functions.initialize(
            to: redisReplyObjectFunctions(
                createString: addString, createArray: addArray, createInteger: addInteger, createNil: addNull,
                freeObject: freeNothing))
        guard let reader = redisReaderCreateWithFunctions(functions) else {
            preconditionFailure("out of memory while making a parser")
        }
        reader.pointee.privdata = UnsafeMutableRawPointer(builder)
        // The parser lets its buffer go when that much of it is unused; a read is at most half of it.
        reader.pointee.maxbuf = 128 * 1024
        self.reader = reader
    }

    deinit {
        redisReaderFree(reader)
        functions.deinitialize(count: 1)
        functions.deallocate()
        builder.deinitialize(count: 1)
        builder.deallocate()
    }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(RedisError) {
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard redisReaderFeed(reader, start, bytes.count) == REDIS_OK else { throw failure() }
    }

    /// The next whole reply; nil when more bytes are needed.
    mutating func next() throws(RedisError) -> RedisValue? {
        // Non-null when a reply is whole; the value itself is in the builder.
        var isWhole: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &isWhole) == REDIS_OK else { throw failure() }
        return isWhole == nil ? nil : builder.pointee.take()
    }

    private func failure() -> RedisError {
        let text = withUnsafeBytes(of: &reader.pointee.errstr) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return RedisError(.protocolViolation, "the server's reply could not be read: \(text)", mayHaveHappened: true)
    }
}

// The parser's callbacks. They run inside redisReaderGetReply, on its thread; `privdata` is the builder of the reader
// that calls. A result other than null tells hiredis that the piece was taken.

private typealias ReadTask = UnsafePointer<redisReadTask>

private func take(_ task: ReadTask?, _ add: (inout ReplyBuilder) -> Void) -> UnsafeMutableRawPointer? {
    guard let privdata = task?.pointee.privdata else { return nil }
    add(&privdata.assumingMemoryBound(to: ReplyBuilder.self).pointee)
    return privdata
}

private func addString(
    _ task: ReadTask?, _ start: UnsafeMutablePointer<CChar>?, _ count: Int
) -> UnsafeMutableRawPointer? {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    return switch task?.pointee.type {
    case REDIS_REPLY_STATUS: take(task) { $0.add(isOK(bytes) ? .ok : .simpleString(Array(bytes))) }
    case REDIS_REPLY_ERROR: take(task) { $0.add(.error(String(decoding: bytes, as: UTF8.self))) }
    default: take(task) { $0.add(.bulkString(Array(bytes))) }
    }
}

private func addArray(_ task: ReadTask?, _ count: Int32) -> UnsafeMutableRawPointer? {
    take(task) { $0.beginArray(count: Int(count)) }
}

private func addInteger(_ task: ReadTask?, _ value: Int64) -> UnsafeMutableRawPointer? {
    take(task) { $0.add(.integer(value)) }
}

private func addNull(_ task: ReadTask?) -> UnsafeMutableRawPointer? {
    take(task) { $0.add(.null) }
}

/// What the callbacks return belongs to the builder.
private func freeNothing(_: UnsafeMutableRawPointer?) {}

private func isOK(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count == 2 && bytes[0] == UInt8(ascii: "O") && bytes[1] == UInt8(ascii: "K")
}

extension RedisValue {
    /// The most frequent reply, made once.
    fileprivate static let ok = RedisValue.simpleString(Array("OK".utf8))
}
