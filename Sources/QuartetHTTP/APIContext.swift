package import Hummingbird
package import NIOCore
import QuartetCore

/// What travels with a request through the router.
package struct APIContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    package let channel: any Channel
    /// There from ``BodyMiddleware`` on.
    package var bodyReader: BodyReader?
    /// One that was read already.
    package var body: ByteBuffer?
    /// There from ``Authentication`` on.
    package var caller: Caller?

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// The domain's words win over the libraries'.
typealias RequestID = QuartetCore.RequestID
