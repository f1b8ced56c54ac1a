import ClientSupport
import Foundation
import Kafka
import Logging
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetService
import QuartetStores

/// Waits until nothing is left to do, and until the checker may judge all of it.
struct QuietWatch {
    private static let timeout = Duration.seconds(180)
    private static let answerTimeout = Duration.seconds(5)

    private let configuration: QuartetConfiguration
    private let clients: StoreClients
    private let ledger: any EventLedger
    private let requests: PostgresRequestStore
    private let outbox: PostgresOutboxStore
    private let queue: MongoTaskQueue
    /// Asks what the invalidators have still to read.
    private let invalidators: KafkaConsumer
    private let topics: [String]
    private let composition: Composition

    init(
        _ configuration: QuartetConfiguration, clients: StoreClients, ledger: any EventLedger,
        logger: Logger
    ) throws {
        self.configuration = configuration
        self.clients = clients
        self.ledger = ledger
        requests = try PostgresRequestStore(databases: clients.databases)
        outbox = try PostgresOutboxStore(databases: clients.databases)
        queue = MongoTaskQueue(client: clients.mongo)
        let (group, topics) = Composition.invalidators(configuration)
        var options = KafkaConsumerOptions(group: group)
        options.joinsGroup = false
        self.topics = topics
        composition = try Composition(
            configuration, role: "chaos", metrics: MetricsRegistry(), logger: logger)
        invalidators = try KafkaConsumer(clients.kafka, options: options, logger: logger)
    }

    /// What became of waiting: after how long there was nothing left to do, and what was not quiet in the end.
    struct Outcome: Sendable {
        var workDoneAfter: Duration
        var unquiet: [String]
    }

    /// Waits until every one of `accepted` has its end, both sinks have every row, the queue holds dead tasks alone, those
    /// who follow events have read all of them, each of `apis` listens, and the last change is older than the settle
    /// window by the database's clock.
    func wait(for accepted: Set<RequestID>, servedBy apis: [RoleCopy]) async throws -> Outcome {
        let started = ContinuousClock.now
        let deadline = Deadline.after(Self.timeout)
        var open = accepted
        var unquiet = try await untilNothing(by: deadline) { await work(&open) }
        let workDoneAfter = started.duration(to: .now)
        if unquiet.isEmpty { unquiet = try await untilNothing(by: deadline) { await silent(apis) } }
        if unquiet.isEmpty { unquiet = try await untilNothing(by: deadline) { await unsettled() } }
        await invalidators.close(deadline: .after(Self.answerTimeout))
        await composition.clients.close()
        return Outcome(workDoneAfter: workDoneAfter, unquiet: unquiet)
    }

    private func untilNothing(by deadline: Deadline, _ look: () async -> [String]) async throws
        -> [String]
    {
        while true {
            let present = await look()
            if present.isEmpty || deadline.isPast { return present }
            // None of the stores tells of this.
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(200)))
        }
    }

    /// What is still to be done; what can't be asked now counts too: clients may still find out that servers are back.
    private func work(_ open: inout Set<RequestID>) async -> [String] {
        var lines: [String] = []
        func note(_ name: String, _ count: () async throws -> Int) async {
            do {
                let count = try await count()
                if count > 0 { lines.append("\(name): \(count)") }
            } catch {
                lines.append("\(name): \(error)")
            }
        }
        let asked = Array(open)
        var ended: [RequestID] = []
        await note("requests without an end") {
            ended = try await requests.requests(asked).compactMap { $0 }.filter { !$0.status.isOpen }.map(
                \.id)
            return asked.count - ended.count
        }
        open.subtract(ended)
        await note("tasks in the queue") {
            let depth = try await queue.depth()
            return depth.claimable + depth.waiting
        }
        for sink in [OutboxSink.queue] + configuration.routes.buses.map(\.sink) {
            await note("rows that wait for the sink \(sink.rawValue)") {
                try await outbox.backlog(sink: sink, limit: 10_000).count
            }
        }
        for topic in topics where configuration.routes.buses == [.kafka] {
            await note("events of \(topic) that invalidators have not applied") {
                Int(try await invalidators.uncommitted(topic: topic, deadline: .after(Self.answerTimeout)))
            }
        }
        await note("events that the ledger has not read") {
            try await ledger.unread {
                try await invalidators.watermarks(topic: $0, deadline: .after(Self.answerTimeout))
            }
        }
        await note("events that read models have not applied") {
            try await composition.projectionReports().reduce(0) { $0 + ($1.lagEvents ?? 1) }
        }
        guard configuration.routes.buses.contains(.rabbitmq) else { return lines }
        await note("events in RabbitMQ's queues, or put aside") {
            try await composition.eventTopology().reduce(0) {
                $0 + ($1.messages ?? 1) + ($1.deadLetters ?? 0)
            }
        }
        return lines
    }

    /// A process that was started last of all may still be on its way.
    private func silent(_ apis: [RoleCopy]) async -> [String] {
        var lines: [String] = []
        for api in apis where await api.url == nil { lines.append("\(api.name) does not listen") }
        return lines
    }

    /// Whether something changed so lately that the checker would not judge it.
    private func unsettled() async -> [String] {
        do {
            let table = configuration.tables[.analysisRequests]
            let rows = try await clients.databases.client(of: table.database).query(
                PostgresStatement(
                    """
                    SELECT coalesce(extract(epoch FROM clock_timestamp() - max(coalesce(closed_at, created_at))), 'inf')
                        ::float8 FROM \(table.schema).analysis_requests
                    """, name: "chaos_settled"))
            let age = try rows.single().decode(0, as: Double.self)
            return age > configuration.check.settleWindow.seconds
                ? [] : ["the last change is \(age) s old"]
        } catch {
            return ["the age of the last change: \(error)"]
        }
    }
}
