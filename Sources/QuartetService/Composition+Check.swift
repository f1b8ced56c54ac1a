import Foundation
package import QuartetCheck
import QuartetCore
import QuartetDatabases
import QuartetRoles
import QuartetStores
import ServiceLifecycle
import ServiceSupport

extension Composition {
    /// A checker on the configured stores.
    ///
    /// - Parameter repairs: whether it will mend, which takes a way to the topics.
    package func checker(
        repairs: Bool, observe: @escaping @Sendable (CheckProgress) -> Void = { _ in }
    ) throws -> Checker {
        let databases = clients.databases
        let process = ProcessInfo.processInfo
        let settings = live.part(\.check)
        let bounds = Live(reading: { [retention = configuration.relay.retention] in
            var bounds = settings.now
            bounds.outboxRetention = retention
            return bounds
        })
        return Checker(
            ports: CheckPorts(
                sweeps: try PostgresSweepStore(databases: databases), requests: ports.requests,
                checkStore: try PostgresRequestCheckStore(databases: databases),
                documents: MongoDocumentCheckStore(
                    client: clients.mongo, waitMax: Ports.queueConfiguration(configuration.worker).waitMax),
                queue: ports.queue, sessions: ports.sessions,
                cards: ports.cards, keywords: ports.keywords,
                outboxes: try checkedOutboxes(repairs: repairs),
                caches: try RedisCacheCheckStore(
                    client: clients.redis, cache: configuration.redis.cache,
                    progress: Ports.progressConfiguration(configuration.redis), databases: databases),
                cache: ports.cache, products: ports.products,
                references: try references(),
                readModels: try Projections.all.map { try PostgresReadModel($0, databases: databases) }),
            configuration: bounds,
            holder: "\(process.hostName), process \(process.processIdentifier)", logger: logger, observe: observe)
    }

    /// References of all services, whose rows are mended as any caller would.
    private func references() throws -> [any ReferenceCheckStore] {
        let resources = shop.flatMap(\.resources).compactMap { $0 as? ResourceEndpoints }
        return try HouseServices.all.flatMap { $0.references }.map { (reference: Reference) in
            let resource = resources.first { $0.name == reference.table.rawValue }
            return try PostgresReferenceCheckStore(reference, databases: clients.databases) { row in
                switch reference.cure {
                case .report: return
                case .clear: try await resource?.clear(reference.column, of: row.key, ifVersion: row.version)
                case .delete: try await resource?.delete(row.key, ifVersion: row.version)
                }
            }
        }
    }

    private func checkedOutboxes(repairs: Bool) throws -> [CheckedOutbox] {
        try ports.outboxes.values.sorted { $0.database < $1.database }.map { outbox in
            let deliveries = repairs ? try deliveries(from: outbox) : []
            return CheckedOutbox(
                database: "\(outbox.database)",
                checks: try PostgresOutboxCheckStore(
                    databases: clients.databases, of: outbox.database, sinks: outbox.sinks),
                outbox: outbox, deliveries: deliveries)
        }
    }

    /// The role that sweeps on schedule.
    func sweeper() throws -> any Service {
        CheckRole(
            configuration: live.part(\.check),
            checker: try checker(repairs: configuration.check.repairsOnSchedule), logger: logger)
    }
}
