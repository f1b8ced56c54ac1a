import ClientSupport
import NIOCore
import NIOPosix
import QuartetTesting
import Testing

@testable import QuartetChaos

/// What storms do to the wires between roles and stores.
@Suite struct FaultProxyTests {
    private typealias Peer = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    @Test func bytesGoThroughInOrder() async throws {
        try await withEcho { proxy, say, hear in
            for disturbance in [nil, .delay(.milliseconds(30)), .throttle(2_000)] as [FaultProxy.Disturbance?] {
                proxy.disturb(disturbance)
                try await say("hello")
                try await say(" world")
                #expect(try await hear(11) == "hello world")
            }
        }
    }

    @Test(arguments: [FaultProxy.Disturbance.blackHole, .lateAnswers])
    func whatWasHeldUpComesAfterwards(_ disturbance: FaultProxy.Disturbance) async throws {
        try await withEcho { proxy, say, hear in
            proxy.disturb(disturbance)
            try await say("hello")
            try await eventually("it is held up") { proxy.heldUp == 1 }
            proxy.disturb(nil)
            #expect(try await hear(5) == "hello")
        }
    }

    @Test func aResetCutsAMessageInItsMiddle() async throws {
        try await withEcho { proxy, say, hear in
            proxy.disturb(.reset)
            try await say("hello")
            // The half that came through is answered by a half of it at most.
            let heard = (try? await hear(5)) ?? ""
            #expect("hello".hasPrefix(heard) && heard != "hello")
        }
    }

    @Test func whoWasForgottenHearsNothingMore() async throws {
        try await withEcho { proxy, say, hear in
            try await say("hello")
            #expect(try await hear(5) == "hello")
            proxy.disturb(.halfOpen)
            try await say("lost")
            try await eventually("it is lost") { proxy.heldUp == 1 }
            // The connection ends when the disturbance does.
            proxy.disturb(nil)
            #expect(try await ended(hear))
        }
    }

    /// Whether nothing more comes: the connection is at its end, or reset.
    private func ended(_ hear: (Int) async throws -> String?) async throws -> Bool {
        do {
            return try await hear(1) == nil
        } catch is IOError {
            return true
        }
    }

    /// A connection through a proxy to a server that says again what it hears. `hear` returns nil where the connection ends first.
    private func withEcho(
        _ body: (
            _ proxy: FaultProxy, _ say: (String) async throws -> Void, _ hear: (Int) async throws -> String?
        ) async throws -> Void
    ) async throws {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try Peer(wrappingChannelSynchronously: channel) }
            }
        let proxy = try await FaultProxy(to: try #require(server.channel.localAddress?.port))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Self.echo(server) }
            group.addTask { try await proxy.run() }
            let client = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: proxy.port) { channel in
                    channel.eventLoop.makeCompletedFuture { try Peer(wrappingChannelSynchronously: channel) }
                }
            var isDone = false
            do {
                try await client.executeThenClose { inbound, outbound in
                    var chunks = inbound.makeAsyncIterator()
                    try await body(
                        proxy, { try await outbound.write(ByteBuffer(string: $0)) },
                        { count in
                            var heard = ByteBuffer()
                            while heard.readableBytes < count, var chunk = try await chunks.next() {
                                heard.writeBuffer(&chunk)
                            }
                            return heard.readableBytes > 0 ? String(buffer: heard) : nil
                        })
                    isDone = true
                }
            } catch  where isDone {
                // It was reset.
            }
            group.cancelAll()
        }
    }

    private static func echo(_ server: NIOAsyncChannel<Peer, Never>) async throws {
        try await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    group.addTask {
                        // The proxy may reset it.
                        try? await connection.executeThenClose { inbound, outbound in
                            for try await chunk in inbound { try await outbound.write(chunk) }
                        }
                    }
                }
            }
        }
    }
}
