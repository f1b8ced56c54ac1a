import NIOCore
import NIOPosix

/// The way between one process and one store: what goes over it is under the fault of the moment. Everything here happens on
/// one event loop.
final class ProxyLink {
    let store: ProxiedStore
    /// By the store's ports, those at which the proxy listens in their place.
    var ports: [UInt16: UInt16] = [:]
    private let loop: any EventLoop
    private var connections: [ObjectIdentifier: ProxyConnection] = [:]
    private(set) var fault: NetworkFault?
    /// Kept while nothing goes through: who comes meanwhile is not heard.
    private var opening: EventLoopPromise<Void>?

    init(to store: ProxiedStore, on loop: any EventLoop) {
        (self.store, self.loop) = (store, loop)
    }

    /// Takes a connection of a client; it is served once the store has been reached.
    func accept(_ client: any Channel, to port: UInt16) -> EventLoopFuture<Void> {
        let loop = loop
        return opened().flatMap {
            ClientBootstrap(group: loop)
                .channelOption(.autoRead, value: false)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: "127.0.0.1", port: Int(port))
        }.assumeIsolated().flatMapThrowing { try self.connect(client, $0) }.nonisolated()
    }

    /// When somebody new is heard.
    func opened() -> EventLoopFuture<Void> { opening?.futureResult ?? loop.makeSucceededVoidFuture() }

    func connect(_ client: any Channel, _ server: any Channel) throws {
        let connection = ProxyConnection(client: client, server: server, link: self)
        connections[ObjectIdentifier(connection)] = connection
        try connection.start()
    }

    func remove(_ connection: ProxyConnection) { connections[ObjectIdentifier(connection)] = nil }

    func begin(_ fault: NetworkFault) {
        end()
        self.fault = fault
        if fault.kind == .blackHole { opening = loop.makePromise() }
        for connection in connections.values { connection.begin(fault) }
    }

    func end() {
        fault = nil
        for connection in connections.values { connection.endFault() }
        opening?.succeed()
        opening = nil
    }
}
