import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import QuartetHTTP

/// Keeps one connection to its bounds: a request arrives in a time and at a rate, an answer that comes before its request was
/// read ends the connection, and one that has a seat for probes only does nothing else.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    struct Limits: Sendable {
        /// For one request, from its first byte that could be read.
        var requestTimeout: TimeAmount
        /// Bytes a second of a body, from `grace` on.
        var bodyRateMin: Int
        var grace: TimeAmount = .seconds(10)
        /// For the first request on a connection that has a seat for probes.
        var probeTimeout: TimeAmount = .seconds(2)
        /// How long what is still sent is taken after the last answer, so that this reaches its caller.
        var linger: TimeAmount = .seconds(1)
        /// For a request that is arriving when the process is told to stop.
        var timeoutAtStop: TimeAmount = .seconds(10)
    }

    private let limits: Limits
    private let seats: Seats
    private var isForProbes = false
    private var hasSeat = false

    private var headsRead = 0
    private var endsRead = 0
    private var answersEnded = 0
    /// When the request that is being read began, and how much of its body is there.
    private var arriving: (start: NIODeadline, bytes: Int)?
    private var check: Scheduled<Void>?
    /// The request after which the caller wants no other.
    private var lastRequest: Int?
    private var isLast = false
    private var isOver = false

    init(limits: Limits, seats: Seats) {
        self.limits = limits
        self.seats = seats
    }

    // MARK: The connection

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        if let decoder = try? pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self) {
            try? pipeline.addHandler(MessageRules(), position: .after(decoder))
        }
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard !hasSeat else { return }
        hasSeat = true
        isForProbes = !seats.take()
        if isForProbes { close(context, in: limits.probeTimeout) { $0.headsRead == 0 } }
    }

    private func end() {
        check?.cancel()
        check = nil
        guard hasSeat else { return }
        hasSeat = false
        seats.give()
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            headsRead += 1
            if Self.closes(head.headerFields[values: .connection]) { lastRequest = headsRead }
            arriving = (.now(), 0)
            checkLater(context)
            if isForProbes, !Seats.isProbe(head.path ?? "") { return refuse(context) }
        case .body(let bytes): arriving?.bytes += bytes.readableBytes
        case .end:
            endsRead += 1
            arriving = nil
            check?.cancel()
            check = nil
        }
        context.fireChannelRead(data)
    }

    private static func closes(_ values: [String]) -> Bool {
        values.flatMap { $0.split(separator: ",") }.contains { $0.filter { $0 != " " }.lowercased() == "close" }
    }

    private func checkLater(_ context: ChannelHandlerContext) {
        check?.cancel()
        let box = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        check = context.eventLoop.scheduleTask(in: min(.seconds(1), limits.grace, limits.requestTimeout)) {
            let (guarding, context) = box.value
            guarding.checkArrival(context)
        }
    }

    private func checkArrival(_ context: ChannelHandlerContext) {
        guard let arriving else { return }
        let elapsed = NIODeadline.now() - arriving.start
        let seconds = Double(elapsed.nanoseconds) / 1e9
        let isTooSlow = elapsed > limits.grace && Double(arriving.bytes) < Double(limits.bodyRateMin) * seconds
        guard isTooSlow || elapsed > limits.requestTimeout else { return checkLater(context) }
        self.arriving = nil
        isLast = true
        // Whoever reads the body says so to the caller; where nobody does, there is nothing to wait for.
        context.fireErrorCaught(RequestTooSlow())
        close(context, in: limits.linger) { _ in true }
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.kind != .informational:
            // The rest of a request that is answered already is not waited for; nor is who has no key.
            if endsRead <= answersEnded || head.status == .unauthorized || isForProbes { isLast = true }
            if lastRequest == answersEnded + 1 || head.headerFields[.connection] == "close" { isLast = true }
            if isLast { head.headerFields[.connection] = "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            answersEnded += 1
            context.write(data, promise: promise)
            if isLast { finish(context) }
        default: context.write(data, promise: promise)
        }
    }

    /// To a caller who found no seat.
    private func refuse(_ context: ChannelHandlerContext) {
        let text = #"{"type":"urn:quartet:problem:too-many-connections","title":"Service Unavailable","status":503}"#
        let head = HTTPResponse(
            status: .serviceUnavailable,
            headerFields: [
                .contentType: "application/problem+json", .contentLength: String(text.utf8.count), .retryAfter: "1",
                .connection: "close",
            ])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(string: text))), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        finish(context)
    }

    /// Closed at once, a connection on which more comes would be reset, and the answer with it.
    private func finish(_ context: ChannelHandlerContext) {
        context.flush()
        isOver = true
        arriving = nil
        check?.cancel()
        check = nil
        context.close(mode: .output, promise: nil)
        close(context, in: limits.linger) { _ in true }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isOver, let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
        if event is ChannelShouldQuiesceEvent { close(context, in: limits.timeoutAtStop) { $0.arriving != nil } }
        context.fireUserInboundEventTriggered(event)
    }

    private func close(
        _ context: ChannelHandlerContext, in delay: TimeAmount, if isDue: @escaping (ConnectionGuard) -> Bool
    ) {
        let box = NIOLoopBound((self, context, isDue), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: delay) {
            let (guarding, context, isDue) = box.value
            if isDue(guarding) { context.close(promise: nil) }
        }
    }
}

extension HTTP1Channel.Configuration {
    /// Connections that are kept to `configuration`'s bounds, all of which share its seats.
    static func guarded(_ configuration: APIConfiguration) -> HTTP1Channel.Configuration {
        let seats = Seats(configuration.connectionsMax)
        let limits = ConnectionGuard.Limits(
            requestTimeout: TimeAmount(configuration.requestTimeout), bodyRateMin: configuration.bodyRateMin)
        let writeTimeout = TimeAmount(configuration.writeTimeout)
        return HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                StalledPeerHandler(timeout: writeTimeout), ConnectionGuard(limits: limits, seats: seats),
            ],
            idleTimeout: TimeAmount(configuration.idleTimeout))
    }
}
