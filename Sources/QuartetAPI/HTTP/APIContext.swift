package import Hummingbird
import NIOCore
import QuartetCore

/// What travels with a request through the router.
package struct APIContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// There from ``BodyMiddleware`` on.
    var bodyReader: BodyReader?

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// The domain's words win over the libraries'.
typealias RequestID = QuartetCore.RequestID
typealias Progress = QuartetCore.Progress
