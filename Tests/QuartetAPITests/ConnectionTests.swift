import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import NIOPosix
import Testing

@testable import QuartetAPI

/// Callers that hold connections and do nothing with them.
@Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
    @Test func anotherMethodAtAKnownPathIsToldWhichThereAre() async throws {
        let api = APIFixture()
        try await api.run { caller in
            let id = "01890a5d-ac96-774b-bcce-b302099a8057"
            let calls: [(HTTPRequest.Method, String, allowed: String)] = [
                (.patch, "/v1/analyses/\(id)", "DELETE, GET, HEAD"), (.get, "/v1/analyses", "POST"),
                (.delete, "/v1/products/p-1/reviews", "POST"), (.post, "/healthz", "GET, HEAD"),
            ]
            for (method, path, allowed) in calls {
                let answer = try await caller.call(method, path)
                #expect(answer.status == 405, "\(method) \(path)")
                #expect(answer.problem == "method-not-allowed")
                #expect(answer.headers[.allow] == allowed)
            }
            let nowhere = try await caller.call(.get, "/v1/nothing")
            #expect(nowhere.status == 404)
            #expect(nowhere.problem == "no-such-path")
        }
    }

    @Test(arguments: ["", "GET /healthz HTTP/1.1\r\nHost: te"])
    func aConnectionWithoutACallIsClosed(_ start: String) async throws {
        var api = APIFixture()
        api.idleTimeout = .milliseconds(100)
        try await api.server.testable.test(.live) { client in
            let port = try #require(client.port)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port).get()
            if !start.isEmpty { try await channel.writeAndFlush(ByteBuffer(string: start)).get() }
            try await channel.closeFuture.get()
        }
    }

    @Test(arguments: [true, false]) func anAddressThatCanNotBeListenedAtIsNamedByItsKeys(isTaken: Bool) async throws {
        let holder = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(holder.localAddress?.port)
        var api = APIFixture()
        (api.host, api.port) = (isTaken ? "127.0.0.1" : "no such host", port)
        let server = api.server
        let error = await #expect(throws: ListenError.self) { try await server.run() }
        #expect(
            error?.description.hasPrefix("quartet.api.host and quartet.api.port, \(api.host) and \(port): ") == true)
        let health = HealthServer(
            host: api.host, port: port, metrics: { "" }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let other = await #expect(throws: ListenError.self) { try await health.run() }
        #expect(other?.description.hasPrefix("metrics.host and metrics.port, ") == true, "\(other?.description ?? "")")
        try await holder.close().get()
    }

    @Test func aPeerThatTakesNothingIsLeft() throws {
        let channel = EmbeddedChannel(handler: StalledPeerHandler(timeout: .seconds(30)))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        func set(isWritable: Bool) {
            channel.isWritable = isWritable
            channel.pipeline.fireChannelWritabilityChanged()
        }
        set(isWritable: false)
        channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        // It took something.
        set(isWritable: true)
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(channel.isActive)
        set(isWritable: false)
        channel.embeddedEventLoop.advanceTime(by: .seconds(30))
        #expect(!channel.isActive)
    }

    /// Or it would keep a process that stops until its time is over.
    @Test func aPeerThatTakesNothingIsLeftSoonerWhenTheProcessStops() throws {
        let channel = EmbeddedChannel(handler: StalledPeerHandler(timeout: .seconds(30)))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        channel.embeddedEventLoop.advanceTime(by: .seconds(20))
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: StalledPeerHandler.timeoutAtStop)
        #expect(!channel.isActive)
    }

    @Test(arguments: [true, false]) func aRequestThatIsArrivingIsGivenUpWhenTheProcessStops(isWhole: Bool) throws {
        let limits = ConnectionGuard.Limits(requestTimeout: .minutes(10), bodyRateMin: 1, grace: .minutes(10))
        let channel = EmbeddedChannel(handler: ConnectionGuard(limits: limits, seats: Seats(1)))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        let head = HTTPRequest(method: .post, scheme: "http", authority: "t", path: "/v1/analyses")
        try channel.writeInbound(HTTPRequestPart.head(head))
        if isWhole { try channel.writeInbound(HTTPRequestPart.end(nil)) }
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        channel.embeddedEventLoop.advanceTime(by: limits.timeoutAtStop)
        #expect(channel.isActive == isWhole)
    }
}
