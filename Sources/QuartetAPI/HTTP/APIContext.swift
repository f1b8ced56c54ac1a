package import Hummingbird
import QuartetCore

/// What travels with a request through the router.
package struct APIContext: RequestContext {
    package var coreContext: CoreRequestContextStorage

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
    }
}

/// The domain's words win over the libraries'.
typealias RequestID = QuartetCore.RequestID
typealias Progress = QuartetCore.Progress
