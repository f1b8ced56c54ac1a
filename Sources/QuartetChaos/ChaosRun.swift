import AsyncHTTPClient
package import Foundation
import Logging
import Postgres
import QuartetCore
import QuartetService
package import QuartetStack
import QuartetStores
import StoreKit
import Synchronization

/// A storm over a private stack: two copies of each role in processes of their own, callers, and the plan's faults. Then
/// everything is healed, and what was accepted is looked up in every store.
package final class ChaosRun: Sendable {
    private static let callerCount = 6
    private static let productCount = 12
    private static let quietWithin = Duration.seconds(180)
    private static let apiKey = "storm"

    private let plan: ChaosPlan
    private let stack: LocalStack
    private let folder: URL
    private let configuration: QuartetConfiguration
    private let environment: [String: String]
    private let clients: StoreClients
    private let copies: [RoleCopy]
    private let logger = Logger(label: "chaos") { _ in SwiftLogNoOpLogHandler() }
    private let say: @Sendable (String) -> Void

    /// - Parameters:
    ///   - folder: for the logs of the roles.
    ///   - say: told what is being done.
    package init(
        plan: ChaosPlan, stack: LocalStack, folder: URL, say: @escaping @Sendable (String) -> Void
    ) throws {
        self.plan = plan
        self.stack = stack
        self.folder = folder
        self.say = say
        environment = Self.environment(of: stack)
        configuration = try QuartetConfiguration.load(environment: environment)
        clients = try StoreClients(configuration, role: "chaos", logger: logger)
        let variables = environment
        copies = ChaosPlan.roles.flatMap { role in
            (1...ChaosPlan.copies).map {
                RoleCopy(role: role, number: $0, environment: variables, folder: folder)
            }
        }
    }

    /// Short leases and timeouts, so that in a short storm many of them run out.
    private static func environment(of stack: LocalStack) -> [String: String] {
        let settings = [
            "QUARTET_API_KEY": apiKey, "DB_CONNECTIONS_MAX": "3", "MONGODB_CONNECTIONS_MAX": "8",
            "KAFKA_FETCH_WAIT": "20ms", "KAFKA_SESSION_TIMEOUT": "4s", "WORKER_LEASE_DURATION": "2s",
            "WORKER_REVIEWS_PER_CHUNK": "8", "WORKER_ATTEMPTS_MAX": "10", "WORKER_RETRY_MAX": "2s",
            "RELAY_LEASE_DURATION": "2s", "OUTBOX_RETENTION": "7d", "CHECK_SETTLE_WINDOW": "2s",
            "CHECK_SECOND_LOOK_PAUSE": "1s", "CHECK_WORK_SHARE": "100", "CHECK_SCHEDULE": "off",
        ]
        return stack.environment.merging(settings) { $1 }
    }

    package func run() async throws -> ChaosFigures {
        do {
            let figures = try await hold()
            await end()
            return figures
        } catch {
            await end()
            throw error
        }
    }

    // MARK: The storm

    private func hold() async throws -> ChaosFigures {
        let migration = try Composition(
            configuration, role: "migrate", metrics: MetricsRegistry(), logger: logger)
        _ = try await migration.migrate()
        await migration.clients.close()
        let products = try await prepare()
        for copy in copies { try await copy.start() }
        let apis = copies.filter { $0.name.hasPrefix("serve") }
        let callers = Callers(copies: apis, products: products, key: Self.apiKey, http: .shared)
        let ledger = EventLedger(clients.kafka, logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await ledger.run() }
            let load = Task { try await callers.run(count: Self.callerCount) }
            var figures = ChaosFigures(seed: plan.seed, seconds: plan.milliseconds / 1000)
            try await cause(&figures)
            say("healing")
            try await heal()
            callers.stop()
            try await load.value
            figures.healedAfterSeconds = try await waitForQuiet(callers.record)
            try await judge(callers, ledger, products, apis, &figures)
            group.cancelAll()
            return figures
        }
    }

    private func prepare() async throws -> [ProductID] {
        let products = (0..<Self.productCount).compactMap { ProductID("storm-\($0)") }
        _ = try await PostgresProductStore(databases: clients.databases).put(products.map { ($0, $0.text) })
        let reviews = MongoReviewStore(client: clients.mongo)
        let texts = [
            "정말 마음에 들어요. 너무 좋아요!", "I love it, works perfectly.", "배송이 너무 늦어서 화가 났어요.",
            "It broke after two days, what a disappointment.", "The colour is blue.",
        ]
        for (number, product) in products.enumerated() {
            let own = (0..<(12 + 7 * number)).map {
                Review(id: "r-\(1000 + $0)", text: "\(texts[($0 + number) % texts.count]) \($0)")
            }
            _ = try await reviews.add(own, to: product)
        }
        return products
    }

    /// Does what the plan says, each fault when its time has come.
    private func cause(_ figures: inout ChaosFigures) async throws {
        let started = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            // A server that takes long to recover may not be back when it is to be hit again.
            var last: [String: Task<Void, any Error>] = [:]
            for fault in plan.faults {
                try await Task.sleep(until: started + .milliseconds(fault.atMilliseconds))
                say("\(fault.kind.rawValue) \(fault.target) for \(fault.forMilliseconds) ms")
                figures.faults[fault.kind.rawValue, default: 0] += 1
                let before = last[fault.target]
                let acting = Task {
                    try await before?.value
                    try await act(fault)
                }
                last[fault.target] = acting
                group.addTask { try await acting.value }
            }
            try await group.waitForAll()
        }
        try await Task.sleep(until: started + .milliseconds(plan.milliseconds))
    }

    private func act(_ fault: ChaosPlan.Fault) async throws {
        let duration = Duration.milliseconds(fault.forMilliseconds)
        switch fault.kind {
        case .killRole:
            let copy = try copy(fault.target)
            await copy.kill()
            try await Task.sleep(for: duration)
            try await copy.start()
        case .freezeRole:
            let copy = try copy(fault.target)
            await copy.freeze()
            try await Task.sleep(for: duration)
            await copy.thaw()
        case .killServer, .brokerDown:
            let server = try server(fault.target)
            await server.kill()
            try await Task.sleep(for: duration)
            try await server.start()
        case .freezeServer:
            let server = try server(fault.target)
            await server.suspend()
            try await Task.sleep(for: duration)
            await server.resume()
        }
    }

    private func copy(_ name: String) throws -> RoleCopy {
        guard let copy = copies.first(where: { $0.name == name }) else { throw ChaosError("there is no \(name)") }
        return copy
    }

    private func server(_ name: String) throws -> any LocalServer {
        let servers = [stack.postgres, stack.mongo, stack.redis, stack.kafka] as [any LocalServer]
        guard let server = servers.first(where: { $0.name == name }) else { throw ChaosError("there is no \(name)") }
        return server
    }

    // MARK: Afterwards

    private func heal() async throws {
        for server in [stack.postgres, stack.mongo, stack.redis, stack.kafka] as [any LocalServer] {
            await server.resume()
            try await server.start()
        }
        for copy in copies {
            await copy.thaw()
            try await copy.start()
        }
    }

    /// Waits until every accepted request has its end, both sinks have every row, and the queue holds dead tasks alone;
    /// returns after how many seconds.
    private func waitForQuiet(_ record: Callers.Record) async throws -> Double {
        let started = ContinuousClock.now
        let deadline = Deadline.after(Self.quietWithin)
        let requests = try PostgresRequestStore(databases: clients.databases, shardCount: configuration.outboxShards)
        let outbox = try PostgresOutboxStore(databases: clients.databases, shardCount: configuration.outboxShards)
        let queue = MongoTaskQueue(client: clients.mongo)
        var open = Set(record.accepted.keys)
        say("waiting for quiet, \(open.count) accepted")
        while !deadline.isPast {
            // What can't be asked now is asked again: clients may still find out that servers are back.
            if let depth = try? await queue.depth(), let rows = try? await requests.requests(Array(open)) {
                open.subtract(rows.compactMap { $0 }.filter { !$0.status.isOpen }.map(\.id))
                var waiting = 0
                for sink in OutboxSink.allCases {
                    waiting += (try? await outbox.backlog(sink: sink, limit: 10).count) ?? 1
                }
                if open.isEmpty, waiting == 0, depth.claimable + depth.waiting == 0 { break }
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        let elapsed = started.duration(to: .now)
        // What the last events lead to, and what the checker may judge.
        try await Task.sleep(for: .seconds(6))
        return Self.seconds(elapsed)
    }

    private func judge(
        _ callers: Callers, _ ledger: EventLedger, _ products: [ProductID], _ apis: [RoleCopy],
        _ figures: inout ChaosFigures
    ) async throws {
        say("looking at every store")
        let record = callers.record
        let requests = try PostgresRequestStore(databases: clients.databases, shardCount: configuration.outboxShards)
        let verdict = Verdict(
            requests: requests, sessions: MongoSessionStore(client: clients.mongo),
            cards: MongoCardStore(client: clients.mongo))
        let told = ledger.all
        var outcome = try await verdict.judge(record.accepted.keys.sorted(), events: told)
        let stored = try await storedCount()
        if stored != record.accepted.count {
            outcome.duplicated.append("\(stored) requests are stored, \(record.accepted.count) were accepted")
        }
        let stale = try await staleProducts(products, callers, apis, requests)
        let (isConsistent, report) = try await check()
        figures.accepted = record.accepted.count
        figures.completed = outcome.completed
        figures.failed = outcome.failed
        figures.cancelled = outcome.cancelled
        figures.callsUnanswered = record.unanswered
        figures.callsRefused = record.refused
        figures.longestStallSeconds = Self.seconds(record.longestStall)
        figures.slowestAnalysisSeconds = Self.seconds(record.slowest)
        figures.eventsRepeated = told.values.reduce(0) { sum, one in
            sum + one.places.count - one.ids.values.reduce(0) { $0 + $1.count }
        }
        figures.lost = outcome.lost.count
        figures.duplicated = outcome.duplicated.count
        figures.stale = stale.count
        figures.wrong = outcome.wrong.count + record.wrongAnswers.count
        figures.isConsistent = isConsistent
        var findings = outcome.lost + outcome.duplicated + outcome.wrong + stale + record.wrongAnswers
        for copy in copies { findings += await copy.unexpectedEnds }
        if !isConsistent { findings += report.split(separator: "\n").map(String.init) }
        figures.findings = Array(findings.prefix(100))
    }

    private func storedCount() async throws -> Int {
        let table = configuration.tables[.analysisRequests]
        let rows = try await clients.databases.client(of: table.database).query(
            PostgresStatement("SELECT count(*) FROM \(table.schema).analysis_requests", name: "chaos_count"))
        return try rows.single().decode(0, as: Int.self)
    }

    /// Products for which a copy of the API serves another result than the latest.
    private func staleProducts(
        _ products: [ProductID], _ callers: Callers, _ apis: [RoleCopy], _ requests: PostgresRequestStore
    ) async throws -> [String] {
        let latest = try await requests.latestResults(of: products)
        var stale: [String] = []
        for api in apis {
            guard let url = await api.url else {
                stale.append("\(api.name) does not listen")
                continue
            }
            for (product, result) in zip(products, latest) {
                let served = try await callers.servedResult(of: product, at: url)
                if served != result?.json { stale.append("\(api.name) serves an old result of \(product)") }
            }
        }
        return stale
    }

    /// `quartet check`, in a process of its own.
    private func check() async throws -> (isClean: Bool, report: String) {
        let output = folder.appendingPathComponent("check.out")
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = try ChildProcess(
            ["/usr/bin/env"] + environment.map { "\($0.key)=\($0.value)" } + [program, "check", "--full"], log: output,
            orphanSignal: "KILL")
        await process.waitForEnd(until: .after(.seconds(300)))
        process.signal(SIGKILL)
        return (process.end == .status(0), (try? String(contentsOf: output, encoding: .utf8)) ?? "")
    }

    /// Every role must end well when told to; what does not is said.
    private func end() async {
        await withTaskGroup(of: Void.self) { group in
            for copy in copies {
                group.addTask { [say] in
                    if await !copy.stop(within: .seconds(30)) { say("\(copy.name) did not end well") }
                }
            }
        }
        await clients.close()
    }

    private static func seconds(_ duration: Duration) -> Double {
        (duration / .seconds(1) * 100).rounded() / 100
    }
}
