import ClientSupport
import Foundation
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetRoles
import QuartetStores
import ServiceSupport

extension Composition {
    /// Looks at every database, schema and table of the map, and at every store, topic and queue that the configuration
    /// names, all side by side; says of each what is there and what to do. Changes nothing.
    ///
    /// - Parameter timeout: for which one question waits.
    package func examine(timeout: Duration = .seconds(5)) async -> [DoctorLine] {
        let visits = visits { .after(timeout) }
        return await withTaskGroup(of: (Int, [DoctorLine]).self) { group in
            for (place, visit) in visits.enumerated() {
                group.addTask { (place, await lines(of: visit, within: timeout * 4)) }
            }
            return await group.reduce(into: [Int: [DoctorLine]]()) { $0[$1.0] = $1.1 }
        }.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    private func lines(of visit: any DoctorVisit, within timeout: Duration) async -> [DoctorLine] {
        do {
            return try await withDeadline(.after(timeout), waitingFor: visit.subject) { try await visit.lines() }
        } catch {
            return [
                .problem(
                    visit.subject, "\(error)",
                    advice: "look whether it runs, whether \(visit.key) is right, and whether a firewall is between")
            ]
        }
    }

    private func visits(_ deadline: @escaping @Sendable () -> Deadline) -> [any DoctorVisit] {
        let databases = clients.databases
        var visits: [any DoctorVisit] = configuration.databases.names.compactMap { name in
            (try? databases.client(of: name)).map { DatabaseVisit(name: name, client: $0, deadline: deadline) }
        }
        let migrator = Migrator(databases: databases, logger: logger)
        visits += migrator.histories.map {
            SchemaVisit(history: $0, databases: databases, migrator: migrator, deadline: deadline)
        }
        visits += databases.tables.services.flatMap { service in
            service.extensions.map {
                ExtensionVisit(part: $0, service: service, databases: databases, deadline: deadline)
            }
        }
        visits.append(MongoVisit(client: clients.mongo, deadline: deadline))
        visits.append(RedisVisit(client: clients.redis, deadline: deadline))
        if configuration.routes.buses.contains(.kafka) { visits.append(kafkaVisit(deadline)) }
        if clients.rabbit.isUsed { visits.append(RabbitVisit { try await eventTopology() }) }
        return visits
    }

    private func kafkaVisit(_ deadline: @escaping @Sendable () -> Deadline) -> KafkaVisit {
        let settings = configuration.kafka
        let topics = configuration.routes.topics(over: .kafka)
        var consumers = [(InvalidationHandler.name, InvalidationHandler.topics)]
        consumers += HouseServices.subscriptions.map { ($0.subscription.name, $0.subscription.topics) }
        consumers += Projections.all.map { ($0.name, $0.topics) }
        return KafkaVisit(
            settings: settings, kafka: clients.kafka,
            groups: consumers.compactMap { name, wanted in
                let own = topics.intersection(wanted).map(settings.naming.topic).sorted()
                return own.isEmpty ? nil : (settings.group(of: name), own)
            },
            topics: Array(topics), logger: logger, deadline: deadline)
    }
}
