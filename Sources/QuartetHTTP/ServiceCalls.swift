package import Hummingbird
import Synchronization

/// Where a service puts its calls.
package struct ServiceRouter {
    /// `/v1`, behind who is calling.
    package let routes: RouterGroup<APIContext>
    /// To be told before a change is answered: what was announced is what is read.
    package let onChange: ChangeHint
    /// For calls at paths that the analyses serve too.
    package let shared: SharedCalls

    package init(routes: RouterGroup<APIContext>, shared: SharedCalls, onChange: @escaping ChangeHint) {
        self.routes = routes
        self.shared = shared
        self.onChange = onChange
    }
}

/// A row that was changed, at its new version.
package struct ResourceChange: Sendable, Hashable {
    package let resource: String
    package let id: String
    package let version: Int64

    package init(resource: String, id: String, version: Int64) {
        self.resource = resource
        self.id = id
        self.version = version
    }
}

package typealias ChangeHint = @Sendable ([ResourceChange]) async -> Void

/// The calls of one service.
package struct ServiceCalls: Sendable {
    package let name: String
    /// Parts of the OpenAPI document, as JSON.
    package let descriptions: [[UInt8]]
    package let add: @Sendable (ServiceRouter) -> Void

    package init(name: String, descriptions: [[UInt8]] = [], add: @escaping @Sendable (ServiceRouter) -> Void) {
        self.name = name
        self.descriptions = descriptions
        self.add = add
    }
}

/// What a service does at a path that the analyses serve: they hand over what they do not answer themselves.
package final class SharedCalls: Sendable {
    package typealias Call = @Sendable (Request, APIContext) async throws -> Response

    private let calls = Mutex<[String: Call]>([:])

    package init() {}

    /// - Parameter name: as "GET products".
    package func offer(_ name: String, _ call: @escaping Call) {
        calls.withLock { $0[name] = call }
    }

    package subscript(name: String) -> Call? { calls.withLock { $0[name] } }
}
