import NIOCore
import NIOEmbedded
import Testing

@testable import QuartetChaos

/// What a link does to a connection, on channels and a clock of the test's.
@Suite struct ProxyFaultTests {
    @Test func withoutAFaultAllGoesThrough() throws {
        let pair = try Pair()
        try pair.clientSends("ask")
        #expect(try pair.serverGot() == "ask")
        try pair.serverSends("answer")
        #expect(try pair.clientGot() == "answer")
        pair.client.close(promise: nil)
        #expect(!pair.server.isActive)
    }

    @Test func aDelayHoldsEachWayUp() throws {
        let pair = try Pair(NetworkFault(.delay, amount: 300))
        try pair.clientSends("ask")
        pair.loop.advanceTime(by: .milliseconds(299))
        #expect(try pair.serverGot() == "")
        pair.loop.advanceTime(by: .milliseconds(1))
        #expect(try pair.serverGot() == "ask")
    }

    @Test func aThrottledLinkGivesAFewBytesAtATime() throws {
        let pair = try Pair(NetworkFault(.throttle, amount: 100))
        try pair.serverSends("123456789012")
        pair.loop.advanceTime(by: .milliseconds(100))
        #expect(try pair.clientGot() == "1234567890")
        pair.loop.advanceTime(by: .milliseconds(20))
        #expect(try pair.clientGot() == "12")
    }

    @Test func anAnswerComesAfterItsCallerGaveUp() throws {
        let pair = try Pair(NetworkFault(.lateAnswers, amount: 5000))
        try pair.clientSends("ask")
        #expect(try pair.serverGot() == "ask")
        try pair.serverSends("answer")
        pair.loop.advanceTime(by: .milliseconds(4999))
        #expect(try pair.clientGot() == "")
        pair.loop.advanceTime(by: .milliseconds(1))
        #expect(try pair.clientGot() == "answer")
    }

    @Test(arguments: [NetworkFault.Kind.resetRequest, .resetAnswer])
    func aConnectionIsCutInTheMiddleOfAMessage(_ kind: NetworkFault.Kind) throws {
        // The first chunk, half of it: 49 % 7 is 0, and 49 of 97.
        let pair = try Pair(NetworkFault(kind, amount: 49))
        if kind == .resetAnswer {
            try pair.clientSends("ask")
            #expect(try pair.serverGot() == "ask")
            try pair.serverSends("0123456789")
        } else {
            try pair.clientSends("0123456789")
        }
        #expect(try (kind == .resetAnswer ? pair.clientGot() : pair.serverGot()) == "01234")
        pair.loop.advanceTime(by: .milliseconds(2))
        #expect(!pair.client.isActive && !pair.server.isActive)
    }

    @Test func whatABlackHoleHeldArrivesThoughItsSenderLeft() throws {
        let pair = try Pair(NetworkFault(.blackHole))
        try pair.clientSends("late")
        pair.client.close(promise: nil)
        #expect(try pair.serverGot() == "")
        #expect(pair.server.isActive)
        pair.link.end()
        #expect(try pair.serverGot() == "late")
        #expect(!pair.server.isActive)
    }

    @Test func whoComesDuringABlackHoleIsHeardAfterIt() throws {
        let pair = try Pair(NetworkFault(.blackHole))
        let newcomer = pair.link.opened()
        var isOpen = false
        newcomer.assumeIsolated().whenSuccess { isOpen = true }
        #expect(!isOpen)
        pair.link.end()
        #expect(isOpen)
    }

    @Test(arguments: [NetworkFault.Kind.halfOpenClient, .halfOpenServer])
    func oneEndBelievesInAConnectionThatIsGone(_ kind: NetworkFault.Kind) throws {
        let pair = try Pair()
        pair.link.begin(NetworkFault(kind))
        let (believes, gone) = kind == .halfOpenClient ? (pair.client, pair.server) : (pair.server, pair.client)
        #expect(believes.isActive && !gone.isActive)
        try believes.writeInbound(ByteBuffer(string: "hello?"))
        #expect(believes.isActive)
        pair.link.end()
        #expect(!believes.isActive)
    }

    /// A client and a server, connected through a link.
    private struct Pair {
        let loop = EmbeddedEventLoop()
        let client: EmbeddedChannel
        let server: EmbeddedChannel
        let link: ProxyLink

        init(_ fault: NetworkFault? = nil) throws {
            client = EmbeddedChannel(loop: loop)
            server = EmbeddedChannel(loop: loop)
            link = ProxyLink(to: ProxiedStore("redis", ports: [6379]), on: loop)
            for channel in [client, server] {
                try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            }
            try link.connect(client, server)
            if let fault { link.begin(fault) }
        }

        func clientSends(_ text: String) throws { try client.writeInbound(ByteBuffer(string: text)) }
        func serverSends(_ text: String) throws { try server.writeInbound(ByteBuffer(string: text)) }
        func serverGot() throws -> String { try text(server) }
        func clientGot() throws -> String { try text(client) }

        private func text(_ channel: EmbeddedChannel) throws -> String {
            var text = ""
            while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
            return text
        }
    }
}
