/// A command and its arguments. `description` is the command's name alone, since arguments are data.
package struct RedisCommand: Sendable, CustomStringConvertible {
    /// All arguments end to end, the name first; `lengths` says where each one ends.
    private(set) var bytes: [UInt8] = []
    private(set) var lengths: [Int] = []
    /// The script that an EVALSHA names, so that NOSCRIPT can be recovered from.
    private(set) var script: RedisScript?
    /// A key whose node is to be asked, of a command that names none.
    private(set) var place: String?

    package init<each Argument: RedisArgument>(_ name: String, _ arguments: repeat each Argument) {
        append(name)
        repeat append(each arguments)
    }

    package init(_ name: String, arguments: [any RedisArgument]) {
        append(name)
        for argument in arguments { append(argument) }
    }

    /// Runs `script`, by its digest where the server has it.
    package static func eval(
        _ script: RedisScript, keys: [String], args: [any RedisArgument] = []
    ) -> RedisCommand {
        var command = RedisCommand("EVALSHA", script.sha1, keys.count)
        for key in keys { command.append(key) }
        for argument in args { command.append(argument) }
        command.script = script
        return command
    }

    /// The same command for the node that has `key`.
    package func beside(_ key: String) -> RedisCommand {
        var command = self
        command.place = key
        return command
    }

    package mutating func append(_ argument: some RedisArgument) {
        let start = bytes.count
        argument.append(to: &bytes)
        lengths.append(bytes.count - start)
    }

    package var description: String {
        String(decoding: bytes[..<(lengths.first ?? 0)], as: UTF8.self)
    }

    /// The same script call with its source in place of the digest, which also loads it.
    func withScriptSource() -> RedisCommand {
        guard let script else { return self }
        var command = RedisCommand("EVAL", script.source)
        let replaced = lengths[0] + lengths[1]
        command.bytes.append(contentsOf: bytes[replaced...])
        command.lengths.append(contentsOf: lengths[2...])
        return command
    }
}

/// What can be an argument of a command: it appends itself as bytes.
package protocol RedisArgument: Sendable {
    func append(to bytes: inout [UInt8])
}

extension String: RedisArgument {
    package func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
}

extension Substring: RedisArgument {
    package func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
}

extension [UInt8]: RedisArgument {
    package func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: self) }
}

extension Int: RedisArgument {
    package func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: String(self).utf8) }
}

extension Int64: RedisArgument {
    package func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: String(self).utf8) }
}

extension UInt64: RedisArgument {
    package func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: String(self).utf8) }
}

/// The shortest digits that read back as the same number.
extension Double: RedisArgument {
    package func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: String(self).utf8) }
}
