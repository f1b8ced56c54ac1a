import NIOCore
import NIOHTTP1
import QuartetHTTP

/// What is known of a message only before it becomes one without a version: stands right behind the decoder.
///
/// Source: RFC 9112, sections 3.2 and 9.3.
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
        // Two are none; see ``BodyMiddleware``.
        if head.headers["Host"].count > 1 { head.headers.remove(name: "Host") }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}
