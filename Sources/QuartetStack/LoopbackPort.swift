import Foundation

/// TCP ports on 127.0.0.1.
package enum LoopbackPort {
    /// Below the ports that the system gives to outgoing connections: a client that tries to reach a stopped server's
    /// port from among those may be given that very port, and then talks to itself and keeps the server out.
    private static let candidates: ClosedRange<UInt16> = 20_000...31_999

    /// A port on which a server could listen now.
    package static func free() throws -> UInt16 {
        for _ in 0..<200 {
            let port = UInt16.random(in: candidates)
            if isFree(port) { return port }
        }
        throw StackError(code: .startFailed, message: "no free port on 127.0.0.1 in \(candidates)")
    }

    /// Whether a server could listen on `port`; connections that linger from an earlier one don't matter.
    static func isFree(_ port: UInt16) -> Bool {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { return false }
        defer { close(file) }
        var reuse: Int32 = 1
        setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        // Not listened on: a child that is just being made has a copy, which would bar the server for that while.
        return withLoopbackAddress(port: port) { bind(file, $0, $1) } == 0
    }
}

/// A blocking connection to a server on 127.0.0.1, to ask whether it serves.
struct LoopbackConnection: ~Copyable {
    private let file: Int32

    /// Nil when nothing listens. Each call waits at most `timeoutSeconds`.
    init?(port: UInt16, timeoutSeconds: Int = 1) {
        file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { return nil }
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard withLoopbackAddress(port: port, { connect(file, $0, $1) }) == 0 else { return nil }
    }

    deinit {
        if file >= 0 { close(file) }
    }

    /// Whether all of it went out.
    borrowing func send(_ bytes: [UInt8]) -> Bool {
        Foundation.send(file, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Exactly `count` bytes; nil when the server closed or was silent for too long.
    borrowing func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return recv(file, &bytes, count, Int32(MSG_WAITALL)) == count ? bytes : nil
    }
}

private func withLoopbackAddress<Value>(
    port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
) -> Value {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
