import Foundation

/// A port that says what it was told to say to whoever comes, and nothing else.
package enum HostileServer {
    private struct NoPort: Error {}

    package static func with(saying bytes: [UInt8], _ body: (_ port: UInt16) async throws -> Void) async throws {
        try await with(sayingNext: { bytes }, body)
    }

    /// - Parameters:
    ///   - next: asked at each connection.
    ///   - endsThere: whether it says that nothing comes behind that.
    package static func with(
        sayingNext next: @escaping @Sendable () -> [UInt8], endsThere: Bool = false,
        _ body: (_ port: UInt16) async throws -> Void
    ) async throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 4) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard isListening else { throw NoPort() }
        let thread = Thread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                let bytes = next()
                var sent = 0
                while sent < bytes.count {
                    let count = bytes[sent...].withUnsafeBytes {
                        send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                    }
                    guard count > 0 else { break }
                    sent += count
                }
                if endsThere { shutdown(connection, Int32(SHUT_WR)) }
                // Until the other side has had enough.
                var buffer = [UInt8](repeating: 0, count: 4096)
                while recv(connection, &buffer, buffer.count, 0) > 0 {}
                close(connection)
            }
        }
        thread.start()
        defer {
            shutdown(listener, Int32(SHUT_RDWR))
            close(listener)
        }
        try await body(UInt16(bigEndian: address.sin_port))
    }
}

/// AMQP as bytes.
package enum Wire {
    package static func method(_ classID: UInt16, _ id: UInt16, _ arguments: [UInt8] = [], channel: UInt16 = 1)
        -> [UInt8]
    {
        frame(1, channel, number(classID) + number(id) + arguments)
    }

    package static func frame(_ type: UInt8, _ channel: UInt16, _ payload: [UInt8]) -> [UInt8] {
        [type] + number(channel) + number(UInt32(payload.count)) + payload + [0xCE]
    }

    package static func number<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian, Array.init)
    }

    package static func short(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
    package static func long(_ text: String) -> [UInt8] { number(UInt32(text.utf8.count)) + Array(text.utf8) }

    /// All answers until the channel is open, ahead of the questions.
    package static let handshake =
        method(10, 10, [0, 9] + number(UInt32(0)) + long("PLAIN") + long("en_US"), channel: 0)
        + method(10, 30, number(UInt16(2047)) + number(UInt32(131_072)) + number(UInt16(0)), channel: 0)
        + method(10, 41, [0], channel: 0) + method(20, 11, number(UInt32(0)))
    package static let confirming = handshake + method(85, 11)
    package static let consuming = handshake + method(60, 11) + method(60, 21, short("tag"))

    package static let deliver = method(
        60, 60, short("tag") + number(UInt64(1)) + [0] + short("exchange") + short("key"))

    package static func header(size: UInt64, properties: [UInt8] = [0, 0]) -> [UInt8] {
        frame(2, 1, number(UInt16(60)) + [0, 0] + number(size) + properties)
    }

    package static func body(_ count: Int) -> [UInt8] { frame(3, 1, [UInt8](repeating: 1, count: count)) }

    /// Headers that are a table within a table within a table, as deep as a frame has room for.
    package static var nested: [UInt8] {
        var table = number(UInt32(0))
        // Each level is its length, a name of no bytes, and the kind F; built from the inside out, so reversed.
        var levels: [[UInt8]] = []
        var size = table.count
        while size < 131_000 {
            levels.append(number(UInt32(size + 2)) + [0, UInt8(ascii: "F")])
            size += 6
        }
        table = levels.reversed().flatMap(\.self) + table
        return header(size: 0, properties: [0x20, 0x00] + table)
    }
}
