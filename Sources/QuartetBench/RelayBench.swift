import ClientSupport
import Foundation
import Kafka
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetRoles
import QuartetService
package import QuartetStack
import QuartetStores

/// Measures the relay on private servers with durable settings: how fast it works off a backlog, and how long an event takes.
package struct RelayBench {
    package struct Sizes: Sendable {
        package var events = 500_000
        package var perSecond = 2_000
        package var seconds = 20

        package init() {}
    }

    /// Seconds of each paced part that do not count.
    private static let leadSeconds = 2
    private static let patience = Duration.seconds(120)

    private let stack: LocalStack
    private let sizes: Sizes
    private let say: @Sendable (String) -> Void
    private let stores: BenchStores
    private let load: RelayLoad
    private let watch: TopicWatch

    /// - Parameter say: told what is being measured, for people.
    package init(stack: LocalStack, sizes: Sizes, say: @escaping @Sendable (String) -> Void) throws {
        self.stack = stack
        self.sizes = sizes
        self.say = say
        stores = try BenchStores(on: stack, settings: ["DB_CONNECTIONS_MAX": "24"])
        load = try RelayLoad(stores.clients)
        watch = TopicWatch(
            topic: EventType.productUpdated.topic, kafka: stores.clients.kafka,
            fetchWait: stores.configuration.kafka.fetchWait, logger: stores.logger)
    }

    package func run() async throws -> RelayFigures {
        try await stores.closing { try await measure() }
    }

    private func measure() async throws -> RelayFigures {
        say("events go over \(stack.kafka.summary)")
        try await stores.migrate()
        say("writing \(sizes.events) events in transactions of \(RelayLoad.transactionSize)")
        try await load.writeBacklog(sizes.events)
        let times = EventTimes(prefix: "paced-", count: sizes.perSecond * (sizes.seconds + Self.leadSeconds))
        let (backlog, rate, cpu) = try await withRelayProcess { process in
            say("a relay delivers them")
            let backlog = try await deliverBacklog(process)
            say("\(backlog.perSecond) a second; now \(sizes.perSecond) events a second for \(sizes.seconds) s")
            let (rate, cpu) = try await pacedEvents(process, times)
            return (backlog, rate, cpu)
        }
        say("the same beside a relay in this process, which tells when each was acknowledged")
        let acknowledged = try await acknowledgedTimes()
        let lead = sizes.perSecond * Self.leadSeconds
        func summary(_ times: EventTimes, _ first: EventTimes.Moment, _ second: EventTimes.Moment) -> LatencySummary {
            times.latencies(from: first, to: second, after: lead).summary
        }
        return RelayFigures(
            cores: ProcessInfo.processInfo.activeProcessorCount, broker: stack.kafka.summary, backlog: backlog,
            paced: RelayFigures.Paced(
                perSecond: rate, perTransaction: RelayLoad.pacedTransactionSize, seconds: sizes.seconds,
                commitMilliseconds: summary(times, .sent, .committed),
                toAcknowledgedMilliseconds: summary(acknowledged, .committed, .acknowledged),
                toConsumerMilliseconds: summary(times, .committed, .consumed),
                sentToConsumerMilliseconds: summary(times, .sent, .consumed), cpuMillisecondsPer1000: cpu))
    }

    /// Counts from when the first events have arrived: a process that starts is another matter.
    private func deliverBacklog(_ process: RoleProcess) async throws -> RelayFigures.Backlog {
        let reader = try watch.reader()
        let bar = Deadline.after(Self.patience)
        var first: (count: Int, at: ContinuousClock.Instant, cpu: Duration)?
        var count = 0
        while count < sizes.events {
            guard process.isRunning, !bar.isPast else {
                await reader.close(deadline: .after(.seconds(2)))
                throw BenchError("\(count) of \(sizes.events) events arrived: \(process.lastLogLine)")
            }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(20)))
            count = try await watch.count(by: reader)
            if first == nil, count > 0 { first = (count, .now, try process.cpuTime()) }
        }
        let end = ContinuousClock.now
        await reader.close(deadline: .after(.seconds(2)))
        guard let first, first.count < sizes.events else { throw BenchError("the backlog is too short to measure") }
        let events = sizes.events - first.count
        return RelayFigures.Backlog(
            events: events, perTransaction: RelayLoad.transactionSize,
            perSecond: Int(Double(events) / first.at.duration(to: end).seconds),
            cpuMillisecondsPer1000: Self.per1000(try process.cpuTime() - first.cpu, events),
            residentMegabytes: try process.residentMegabytes())
    }

    /// How many a second were written, and the CPU per 1,000.
    private func pacedEvents(_ process: RoleProcess, _ times: EventTimes) async throws -> (rate: Int, cpu: Double) {
        var cpu = Duration.zero
        var rate = 0
        try await watch.consuming(times) {
            let before = try process.cpuTime()
            rate = try await load.write(times, perSecond: sizes.perSecond)
            try await completion(of: .consumed, in: times)
            cpu = try process.cpuTime() - before
        }
        return (rate, Self.per1000(cpu, times.count))
    }

    private func acknowledgedTimes() async throws -> EventTimes {
        let times = EventTimes(prefix: "acknowledged-", count: sizes.perSecond * (sizes.seconds + Self.leadSeconds))
        guard let outbox = try stores.clients.outboxes()[.dropship] else { throw BenchError("no outbox") }
        let reader = try watch.reader()
        let publisher = KafkaEventPublisher(producer: try stores.clients.producer()) { topic in
            try await reader.watermarks(topic: topic, deadline: .after(.seconds(10)))
        }
        let relay = Relay(
            database: "dropship", configuration: Live(stores.configuration.relay), outbox: outbox,
            delivery: TimedDelivery(base: TopicDelivery(publisher: publisher), times: times), logger: stores.logger)
        let running = Task { try await relay.run() }
        do {
            try await watch.consuming(times) {
                _ = try await load.write(times, perSecond: sizes.perSecond)
                try await completion(of: .acknowledged, in: times)
            }
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        try? await running.value
        await reader.close(deadline: .after(.seconds(2)))
        return times
    }

    private func completion(of moment: EventTimes.Moment, in times: EventTimes) async throws {
        let deadline = Deadline.after(Self.patience)
        while !times.isComplete(moment) {
            guard !deadline.isPast else { throw BenchError("not every event was \(moment) within \(Self.patience)") }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(20)))
        }
    }

    private func withRelayProcess<Value>(_ body: (RoleProcess) async throws -> Value) async throws -> Value {
        let process = try RoleProcess(
            roles: [RoleName.relay.rawValue],
            environment: stack.environment.merging(["LOG_LEVEL": "notice"]) { own, _ in own },
            log: stack.directory.appendingPathComponent("relay.log"))
        do {
            let value = try await body(process)
            await process.stop()
            return value
        } catch {
            await process.stop()
            throw error
        }
    }

    private static func per1000(_ time: Duration, _ events: Int) -> Double {
        (time.seconds * 1e6 / Double(events) * 100).rounded() / 100
    }
}

/// Tells when what it delivers is durable.
private struct TimedDelivery: OutboxDelivery {
    let base: TopicDelivery
    let times: EventTimes

    var sink: OutboxSink { base.sink }

    func deliver(_ events: [DomainEvent], lull: @escaping @Sendable () async -> Void) async throws {
        try await base.deliver(events, lull: lull)
        for event in events { times.note(.acknowledged, ofAggregate: event.aggregateID) }
    }
}
