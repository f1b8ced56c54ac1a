import ClientSupport
import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// Stands between one role and one store, passes on what they say to each other, and disturbs it as networks do.
final class FaultProxy: Sendable {
    /// How bytes go through; of all connections, those that are open and those that come.
    enum Disturbance: Sendable, Hashable {
        /// Each chunk comes this much later, in order.
        case delay(Duration)
        /// Bytes a second, of each connection and direction.
        case throttle(Int)
        /// Nothing comes through until it ends; then all that was said does.
        case blackHole
        /// The store hears the role, whose answers come when it ends: after the role has given up.
        case lateAnswers
        /// The next chunk is cut in its middle, and the connection with it.
        case reset
        /// What is said is lost, and nobody is told: as behind a firewall that has forgotten the connection.
        case halfOpen
    }

    private struct State {
        var disturbance: Disturbance?
        /// One more at each change: a connection that lost bytes can't go on afterwards.
        var change = 0
        var heldUp = 0
    }

    private enum Direction { case request, answer }
    private typealias Peer = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// How long a chunk waits before it looks again whether it may go on.
    private static let step = Duration.milliseconds(10)
    private let state = Mutex(State())
    private let server: NIOAsyncChannel<Peer, Never>
    private let backendPort: Int
    let port: Int

    /// Listens on a free port of 127.0.0.1, for a server on another one.
    init(to backendPort: Int) async throws {
        self.backendPort = backendPort
        server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.autoRead, value: true)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try Peer(wrappingChannelSynchronously: channel) }
            }
        guard let port = server.channel.localAddress?.port else { throw ChaosError("a proxy has no port") }
        self.port = port
    }

    /// How many chunks are being held up, or are lost and not yet told of.
    var heldUp: Int { state.withLock { $0.heldUp } }

    func disturb(_ disturbance: Disturbance?) {
        state.withLock { state in
            state.disturbance = disturbance
            state.change += 1
        }
    }

    /// Until cancelled.
    func run() async throws {
        try await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    // A connection's end is its peers' matter.
                    group.addTask { [self] in try? await join(connection) }
                }
            }
        }
    }

    private func join(_ client: Peer) async throws {
        try await client.executeThenClose { [backendPort] requests, toClient in
            let backend = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: backendPort) { channel in
                    channel.eventLoop.makeCompletedFuture { try Peer(wrappingChannelSynchronously: channel) }
                }
            try await backend.executeThenClose { answers, toBackend in
                // Whichever ends first ends the other.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { [self] in
                        try await pass(requests, to: toBackend, .request, closing: [client, backend])
                    }
                    group.addTask { [self] in
                        try await pass(answers, to: toClient, .answer, closing: [client, backend])
                    }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            }
        }
    }

    private func pass(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, to outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        _ direction: Direction, closing peers: [Peer]
    ) async throws {
        for try await var chunk in inbound {
            switch try await turn(direction, bytes: chunk.readableBytes) {
            case .passes: try await outbound.write(chunk)
            case .isLost:
                // The connection is of no use any more: it ends, with a reset, when the disturbance does.
                try await holdUp(until: state.withLock { $0.change } + 1)
                return await Self.reset(peers)
            case .isCut:
                if let half = chunk.readSlice(length: chunk.readableBytes / 2) { try await outbound.write(half) }
                return await Self.reset(peers)
            }
        }
    }

    private enum Fate { case passes, isLost, isCut }

    /// Waits as long as the disturbance holds a chunk up.
    private func turn(_ direction: Direction, bytes: Int) async throws -> Fate {
        while true {
            let (disturbance, change) = state.withLock { ($0.disturbance, $0.change) }
            switch disturbance {
            case nil: return .passes
            case .lateAnswers? where direction == .request: return .passes
            case .delay(let time)?:
                try await Self.pause(time)
                return .passes
            case .throttle(let rate)?:
                try await Self.pause(.seconds(Double(bytes) / Double(rate)))
                return .passes
            case .blackHole?, .lateAnswers?: try await holdUp(until: change + 1)
            case .reset?: return .isCut
            case .halfOpen?: return .isLost
            }
        }
    }

    private func holdUp(until change: Int) async throws {
        state.withLock { $0.heldUp += 1 }
        defer { state.withLock { $0.heldUp -= 1 } }
        while state.withLock({ $0.change < change }) { try await Self.pause(Self.step) }
    }

    private static func pause(_ time: Duration) async throws {
        try await ContinuousClock().sleep(until: .now.advanced(by: time))
    }

    private static func reset(_ peers: [Peer]) async {
        for peer in peers {
            // A close that lingers for no time is a reset.
            let options = peer.channel as? any SocketOptionProvider
            try? await options?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
            try? await peer.channel.close()
        }
    }
}
