import NIOCore
import NIOHTTP1
import QuartetHTTP

/// What is known of a message only before it becomes one without a version: stands right behind the decoder.
///
/// Source: RFC 9112, sections 3.2 and 9.3, and RFC 9110, section 7.8.
final class MessageRules: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        if head.version.major == 1, head.version.minor == 0 {
            // Its connections end with the answer, it knows no informational ones, and need not say for which host it is.
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            head.headers.remove(name: "Expect")
            if !head.headers.contains(name: "Host") { head.headers.add(name: "Host", value: "unknown") }
        }
        if Self.offersUpgrade(head) {
            // It is passed over, as it may be; but the decoder takes what comes behind such a request for the other protocol.
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            head.headers.remove(name: "Upgrade")
        }
        // Two are none; see ``BodyMiddleware``.
        if head.headers["Host"].count > 1 { head.headers.remove(name: "Host") }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// As Java's client does for HTTP/2, unless it is told not to.
    private static func offersUpgrade(_ head: HTTPRequestHead) -> Bool {
        head.method == .CONNECT
            || head.headers.contains(name: "Upgrade")
                && head.headers[canonicalForm: "Connection"].contains { $0.lowercased() == "upgrade" }
    }
}
