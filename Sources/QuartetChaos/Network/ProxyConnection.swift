import NIOCore
import NIOPosix

/// A client's connection and the one to the store that belongs to it.
final class ProxyConnection {
    let link: ProxyLink
    private let client: any Channel
    private let server: any Channel
    private let requests: ProxyFlow
    private let answers: ProxyFlow
    /// One end is gone, and the other does not know.
    private(set) var isHalfOpen = false

    init(client: any Channel, server: any Channel, link: ProxyLink) {
        (self.client, self.server, self.link) = (client, server, link)
        requests = ProxyFlow(.requests, from: client, to: server, rewriter: nil)
        answers = ProxyFlow(.answers, from: server, to: client, rewriter: link.store.rewriter(link.ports))
        (requests.connection, answers.connection) = (self, self)
    }

    func start() throws {
        try server.pipeline.syncOperations.addHandler(ProxyHandler(answers))
        try client.pipeline.syncOperations.addHandler(ProxyHandler(requests))
        answers.pump()
    }

    func begin(_ fault: NetworkFault) {
        switch fault.kind {
        case .halfOpenClient: loseEnd(server)
        case .halfOpenServer: loseEnd(client)
        default: restart()
        }
    }

    /// Who still believes in it learns better, as from a system that no keepalive reached.
    func endFault() {
        if isHalfOpen { reset() } else { restart() }
    }

    private func restart() {
        for flow in [requests, answers] { flow.restart() }
    }

    private func loseEnd(_ end: any Channel) {
        guard !isHalfOpen else { return }
        isHalfOpen = true
        Self.reset(end)
    }

    func reset() {
        Self.reset(client)
        Self.reset(server)
    }

    /// As if the peer's machine said that it knows no such connection.
    private static func reset(_ channel: any Channel) {
        if let channel = channel as? any SocketOptionProvider {
            channel.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { _ in }
        }
        channel.close(promise: nil)
    }

    func didEnd() {
        if !client.isActive, !server.isActive { link.remove(self) }
    }
}

/// Hands what arrives at one end to its flow.
private final class ProxyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let flow: ProxyFlow

    init(_ flow: ProxyFlow) { self.flow = flow }

    func channelActive(context: ChannelHandlerContext) {
        flow.pump()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { flow.arrived(unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) {
        flow.sourceEnded()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
