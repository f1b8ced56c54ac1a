import Auth
import ClientSupport
package import Foundation
import Kafka
import My
import QuartetCore
import QuartetRoles
import QuartetStores
import RabbitMQ
import ServiceLifecycle

/// How a copy stands beside its source.
package struct ProjectionReport: Sendable, Codable {
    package let name: String
    /// What its events come over.
    package let buses: [String]
    /// The newest change that it has; nil while it is empty.
    package let position: Position?
    package let rows: Int
    package let sourceRows: Int
    /// How much newer the source's last change is than the last one that was applied.
    package let lagSeconds: Double
    /// Events that wait for it; nil where a bus does not answer.
    package let lagEvents: Int?
    package let copiedRows: Int
    /// When it was copied whole; nil while that is under way, or never was.
    package let copiedAt: Date?
    package let lastError: String?
    package let lastErrorAt: Date?

    package struct Position: Sendable, Codable {
        package let version: Int64
        /// At the source, and here.
        package let changedAt: Date
        package let appliedAt: Date
    }
}

/// What came of copying.
package struct CopyReport: Sendable, Codable {
    package let name: String
    /// Those that this run copied.
    package let copiedRows: Int
    package let seconds: Double
    package let rowsPerSecond: Int
    package let rows: Int
    package let sourceRows: Int
    /// Rows of the source that were changed since the copy began: as many may still be on their way.
    package let changedMeanwhile: Int

    /// Whether the copy has as many rows as its source.
    package var isWhole: Bool { abs(rows - sourceRows) <= changedMeanwhile }
}

extension Composition {
    /// What keeps the read models that the configuration names, and tells how they stand.
    func projections() throws -> [any Service] {
        let named = try Projections.named(configuration.project.projections)
        let models = try named.map { try PostgresReadModel($0, databases: clients.databases) }
        let services = try models.flatMap { try consumers(of: ProjectionHandler($0.projection, store: $0)) }
        let interval = configuration.project.metricsInterval
        return services + [
            ProjectionMonitor(models: models, interval: interval, logger: logger) { try? await waitingEvents(of: $0) }
        ]
    }

    package func projectionReports() async throws -> [ProjectionReport] {
        var reports: [ProjectionReport] = []
        for projection in try Projections.named(configuration.project.projections) {
            let model = try PostgresReadModel(projection, databases: clients.databases)
            let state = try await model.state()
            let (source, lag) = (try await model.source(), try await model.lag())
            reports.append(
                ProjectionReport(
                    name: projection.name, buses: carriers(of: projection).map(\.rawValue),
                    position: state.position.map {
                        ProjectionReport.Position(
                            version: $0.version, changedAt: $0.changedAt, appliedAt: $0.appliedAt)
                    },
                    rows: state.rows, sourceRows: source.rows,
                    lagSeconds: lag.behind.seconds,
                    lagEvents: try? await waitingEvents(of: projection), copiedRows: state.copiedRows,
                    copiedAt: state.completedAt, lastError: state.error, lastErrorAt: state.failedAt))
        }
        return reports
    }

    /// Copies the source into the copy in the order of keys, while events go on: versions decide. One that was cut off goes on.
    ///
    /// - Parameter observe: told how many rows were copied, and of how many.
    package func bootstrap(
        _ name: String, observe: (_ done: Int, _ total: Int) -> Void
    ) async throws -> CopyReport {
        try await copy(name, isRebuild: false, observe)
    }

    /// Makes a new copy beside the old one and puts it in its place at once: readers see one or the other.
    package func rebuild(
        _ name: String, observe: (_ done: Int, _ total: Int) -> Void
    ) async throws -> CopyReport {
        try await copy(name, isRebuild: true, observe)
    }

    private func copy(
        _ name: String, isRebuild: Bool, _ observe: (_ done: Int, _ total: Int) -> Void
    ) async throws -> CopyReport {
        let model = try PostgresReadModel(Projections.named(name), databases: clients.databases)
        let before = try await model.source()
        let process = ProcessInfo.processInfo
        // For others that meet it.
        let holder =
            "quartet project \(isRebuild ? "rebuild" : "bootstrap") on \(process.hostName), "
            + "process \(process.processIdentifier),"
        let pageRows = configuration.project.rowsPerPage
        let times =
            isRebuild
            ? try await model.rebuild(as: holder, pageRows: pageRows) { observe($0, before.rows) }
            : try await model.bootstrap(as: holder, pageRows: pageRows) { observe($0, before.rows) }
        let source = try await model.source()
        let state = try await model.state()
        let changed = try await model.sourceChanges(since: before.now)
        return CopyReport(
            name: name, copiedRows: times.rows, seconds: times.total,
            rowsPerSecond: times.total > 0 ? Int(Double(times.rows) / times.total) : 0, rows: state.rows,
            sourceRows: source.rows, changedMeanwhile: changed)
    }

    private func carriers(of projection: any Projection) -> [EventBus] {
        configuration.routes.buses.filter {
            !configuration.routes.topics(over: $0).isDisjoint(with: projection.topics)
        }
    }

    /// Events that wait for a read model, over every bus that carries some.
    func waitingEvents(of projection: any Projection) async throws -> Int {
        var waiting = 0
        if let queue = clients.rabbit.events.queues.first(where: { $0.consumer == projection.name }) {
            let admin = try clients.rabbit.admin()
            waiting += try await admin.state(of: queue.name)?.messages ?? 0
            await admin.disconnect()
        }
        let topics = configuration.routes.topics(over: .kafka).intersection(projection.topics)
        guard !topics.isEmpty else { return waiting }
        var options = KafkaConsumerOptions(group: configuration.kafka.group(of: projection.name))
        options.joinsGroup = false
        let consumer = try KafkaConsumer(clients.kafka, options: options, logger: logger)
        do {
            for topic in topics.map(configuration.kafka.naming.topic) {
                waiting += Int(try await consumer.uncommitted(topic: topic, deadline: .after(.seconds(5))))
            }
        } catch {
            await consumer.close(deadline: .after(.seconds(2)))
            throw error
        }
        await consumer.close(deadline: .after(.seconds(2)))
        return waiting
    }
}
