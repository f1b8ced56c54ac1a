import ClientSupport
import NIOCore
import NIOHTTP1
import NIOPosix
import QuartetCore
import QuartetEmotion
import Testing

@testable import QuartetService

@Suite(.timeLimit(.minutes(5))) struct AnalyzerTransportTests {
    @Test func aModelServerIsAskedOverHTTP() async throws {
        let body = """
            {"readings": [{"id": "r1", "scores": {"joy": 1, "sadness": 0, "anger": 0, "fear": 0, "disgust": 0, \
            "surprise": 0, "neutral": 0}, "polarity": 0.5, "keywords": ["box"]}]}
            """
        try await ModelServer.run(status: .ok, headers: [:], body: body) { url in
            let transport = HTTPAnalyzerTransport(url: url, token: "secret")
            let analyzer = HTTPAnalyzer(configuration: HTTPAnalyzerConfiguration(), transport: transport)
            let readings = try await analyzer.analyze([Review(id: "r1", text: "a \"box\"")])
            #expect(try readings.first?.get().keywords == ["box"])
            let echo = try await transport.post(Array("{}".utf8), deadline: .after(.seconds(10)))
            #expect(echo.status == 200)
        }
    }

    @Test func aStatusAndWhatItAsksToWaitAreAnAnswer() async throws {
        let headers: HTTPHeaders = ["Retry-After": "7"]
        try await ModelServer.run(status: .serviceUnavailable, headers: headers, body: "later") { url in
            let transport = HTTPAnalyzerTransport(url: url, token: "secret")
            let answer = try await transport.post([], deadline: .after(.seconds(10)))
            #expect(answer == AnalyzerAnswer(status: 503, body: Array("later".utf8), retryAfter: .seconds(7)))
        }
    }

    /// A request that is not the agreed one is told so.
    @Test func withoutItsTokenTheServerRefuses() async throws {
        try await ModelServer.run(status: .ok, headers: [:], body: "{}") { url in
            let answer = try await HTTPAnalyzerTransport(url: url).post([], deadline: .after(.seconds(10)))
            #expect(answer.status == 401)
        }
    }

    @Test func nobodyThereIsAnError() async throws {
        await #expect(throws: (any Error).self) {
            try await HTTPAnalyzerTransport(url: "http://127.0.0.1:1/").post([], deadline: .after(.seconds(10)))
        }
    }
}

/// Answers every request alike, if it is a JSON document with the token.
private enum ModelServer {
    static func run(
        status: HTTPResponseStatus, headers: HTTPHeaders, body: String, _ test: (_ url: String) async throws -> Void
    ) async throws {
        let answer = Answer(status: status, headers: headers, body: body)
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Responder(answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await test("http://127.0.0.1:\(server.localAddress?.port ?? 0)/read")
        } catch {
            try await server.close()
            throw error
        }
        try await server.close()
    }

    struct Answer: Sendable {
        let status: HTTPResponseStatus
        let headers: HTTPHeaders
        let body: String
    }
}

/// Lives on its channel's event loop.
private final class Responder: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: ModelServer.Answer
    private var isAgreed = false

    init(answer: ModelServer.Answer) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            isAgreed =
                head.method == .POST && head.uri == "/read" && head.headers["Content-Type"] == ["application/json"]
                && head.headers["Authorization"] == ["Bearer secret"]
        case .body: break
        case .end:
            var headers = answer.headers
            let body = isAgreed ? answer.body : "no"
            headers.add(name: "Content-Length", value: "\(body.utf8.count)")
            let status = isAgreed ? answer.status : .unauthorized
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
