import CHiredis

/// One command as hiredis formats it for the wire; owns the C buffer.
///
/// Sendable without a lock: the bytes never change, and there is one owner.
struct FormattedCommand: ~Copyable, @unchecked Sendable {
    private let start: UnsafeMutablePointer<CChar>
    let count: Int

    init(_ command: RedisCommand) {
        var target: UnsafeMutablePointer<CChar>?
        let count = command.bytes.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: command.lengths.count) { argv in
                var offset = 0
                for (index, length) in command.lengths.enumerated() {
                    // An argument may be empty, and so may all of them: hiredis reads no byte there.
                    let argument = bytes.baseAddress.map { ($0 + offset).assumingMemoryBound(to: CChar.self) }
                    argv.initializeElement(at: index, to: argument)
                    offset += length
                }
                return redisFormatCommandArgv(&target, Int32(argv.count), argv.baseAddress, command.lengths)
            }
        }
        guard let target, count >= 0 else { preconditionFailure("out of memory while formatting a command") }
        start = target
        self.count = Int(count)
    }

    deinit { redisFreeCommand(start) }

    func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        body(UnsafeRawBufferPointer(start: start, count: count))
    }
}
