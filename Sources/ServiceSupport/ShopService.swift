import Hummingbird
package import QuartetCore
package import QuartetDatabases
package import QuartetHTTP
package import QuartetRoles

/// A service: a room of the house with all that belongs to it, its schema, calls, events and read models. It names its own
/// tables only; another service's rows it asks for by that one's calls, or keeps a read model of.
package protocol ShopService: Sendable {
    /// Where its tables are and how they come about.
    static var schema: ServiceSchema { get }
    /// What happens to its aggregates.
    static var eventTypes: [EventType] { get }
    /// Which of its columns name rows of other services, and what becomes of one that names what is not there.
    static var references: [Reference] { get }
    /// Who of it takes events in, and which: a consumer group each.
    static var subscriptions: [Subscription] { get }

    init(databases: Databases) throws

    /// What can be created, read, changed, deleted, listed and imported by the calls that all resources have.
    var resources: [any ServedResource] { get }

    /// What its other calls take and give: part of an OpenAPI document.
    static var callDescription: [UInt8] { get }

    /// Its other calls, under `/v1`.
    func addRoutes(to routes: ServiceRouter)

    /// Of which an aging cache is kept.
    var agingRows: [AgingRows] { get }

    /// What takes in the events of `subscriptions`, in their order.
    var handlers: [any EventHandler] { get }
}

/// A consumer group and what it reads.
package struct Subscription: Sendable, Hashable {
    package let name: String
    package let topics: [EventTopic]

    package init(_ name: String, topics: [EventTopic]) {
        self.name = name
        self.topics = topics
    }
}

extension ShopService {
    package static var eventTypes: [EventType] { [] }
    package static var references: [Reference] { [] }
    package static var subscriptions: [Subscription] { [] }
    package static var callDescription: [UInt8] { [] }
    package var resources: [any ServedResource] { [] }
    package var agingRows: [AgingRows] { [] }
    package var handlers: [any EventHandler] { [] }
    package func addRoutes(to routes: ServiceRouter) {}

    /// Its calls, which fail alone where its schema does.
    package var calls: ServiceCalls {
        let descriptions = [Self.callDescription] + resources.map(\.description)
        return ServiceCalls(name: Self.schema.name, descriptions: descriptions.filter { !$0.isEmpty }) { routes in
            let own = ServiceRouter(
                routes: routes.routes.group().add(middleware: ServiceMiddleware(service: Self.schema.name)),
                shared: routes.shared, onChange: routes.onChange)
            for resource in resources { resource.addRoutes(to: own) }
            addRoutes(to: own)
        }
    }
}

/// A resource, whatever its declaration is.
package protocol ServedResource: Sendable {
    var name: String { get }
    /// Part of an OpenAPI document.
    var description: [UInt8] { get }
    func addRoutes(to routes: ServiceRouter)
}
