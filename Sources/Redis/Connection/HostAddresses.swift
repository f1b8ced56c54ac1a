import NIOCore
import NIOPosix
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The addresses of a server's host, the one that served last before the others.
final class HostAddresses: Sendable {
    private let host: String
    private let port: Int
    private let lookUp: (@Sendable (_ host: String, _ port: Int) throws -> [SocketAddress])?
    private let lastServed = Mutex<SocketAddress?>(nil)

    /// - Parameter lookUp: asks the system's resolver unless given.
    init(
        host: String, port: Int,
        lookUp: (@Sendable (_ host: String, _ port: Int) throws -> [SocketAddress])? = nil
    ) {
        self.host = host
        self.port = port
        self.lookUp = lookUp
    }

    /// Looked up anew each time: a name may move.
    func current(on eventLoop: any EventLoop) -> EventLoopFuture<[SocketAddress]> {
        if lookUp == nil, let address = try? SocketAddress(ipAddress: host, port: port) {
            return eventLoop.makeSucceededFuture([address])
        }
        return NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) { [self] in
            let found = try (lookUp ?? Self.resolved)(host, port)
            guard let first = lastServed.withLock({ $0 }), found.contains(first) else { return found }
            return [first] + found.filter { $0 != first }
        }
    }

    /// The one that served last.
    var current: SocketAddress? { lastServed.withLock { $0 } }

    func served(_ address: SocketAddress) {
        lastServed.withLock { $0 = address }
    }

    /// In the order of RFC 6724, which the system's resolver keeps.
    @Sendable static func resolved(_ host: String, _ port: Int) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, "\(port)", &hints, &list)
        guard status == 0 else {
            throw RedisError(
                .connect, "cannot connect: the host name has no address: \(String(cString: gai_strerror(status)))")
        }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let info = next {
            if let address = address(of: info.pointee, host), !found.contains(address) { found.append(address) }
            next = info.pointee.ai_next
        }
        return found
    }

    private static func address(of info: addrinfo, _ host: String) -> SocketAddress? {
        guard let address = info.ai_addr else { return nil }
        switch info.ai_family {
        case AF_INET:
            return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                SocketAddress($0.pointee, host: host)
            }
        case AF_INET6:
            return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                SocketAddress($0.pointee, host: host)
            }
        default: return nil
        }
    }
}

/// Tries addresses one after the other, each with its share of the time, until one has done the handshake; then it hands on
/// what happens there. Always on the event loop.
final class AddressAttempts: ConnectionDelegate {
    typealias Begin = @Sendable (_ address: SocketAddress, _ timeout: TimeAmount, _ attempts: AddressAttempts) -> Void

    private struct State {
        var left: ArraySlice<SocketAddress>
        var current: SocketAddress?
        var failures: [String] = []
        var isConnected = false
    }

    private let id: ConnectionID
    private let addresses: HostAddresses
    private let timeout: TimeAmount
    private let delegate: any ConnectionDelegate
    private let begin: Begin
    private let state: Mutex<State>

    init(
        _ id: ConnectionID, to list: [SocketAddress], of addresses: HostAddresses, within whole: TimeAmount,
        delegate: any ConnectionDelegate, begin: @escaping Begin
    ) {
        self.id = id
        self.addresses = addresses
        self.delegate = delegate
        self.begin = begin
        // A second at least: less is too short for a server far away.
        let share = whole.nanoseconds / Int64(max(list.count, 1))
        timeout = .nanoseconds(max(share, min(whole.nanoseconds, 1_000_000_000)))
        state = Mutex(State(left: list[...]))
    }

    func start() {
        let address = state.withLock { state in
            state.current = state.left.popFirst()
            return state.current
        }
        guard let address else {
            return delegate.lost(id, RedisError(.connect, "cannot connect: the host name has no address"))
        }
        begin(address, timeout, self)
    }

    func connected(_ id: ConnectionID, over channel: any Channel) {
        let address = state.withLock { state in
            state.isConnected = true
            return state.current
        }
        if let address { addresses.served(address) }
        delegate.connected(id, over: channel)
    }

    func received(_ replies: [RedisValue], from id: ConnectionID) { delegate.received(replies, from: id) }

    func writabilityChanged(_ id: ConnectionID, isWritable: Bool) {
        delegate.writabilityChanged(id, isWritable: isWritable)
    }

    /// What the server itself refuses it would refuse at its other addresses too.
    func lost(_ id: ConnectionID, _ error: RedisError) {
        let (goesOn, failures) = state.withLock { state in
            guard !state.isConnected else { return (false, [String]()) }
            if let current = state.current { state.failures.append("\(Self.name(current)): \(error.message)") }
            return (error.code == .connect && !state.left.isEmpty, state.failures)
        }
        if goesOn { return start() }
        guard failures.count > 1 else { return delegate.lost(id, error) }
        delegate.lost(
            id, RedisError(error.code, failures.joined(separator: "; "), cause: error.cause, location: error.location))
    }

    private static func name(_ address: SocketAddress) -> String {
        let ip = address.ipAddress ?? "\(address)"
        return ip.contains(":") ? "[\(ip)]" : ip
    }
}
