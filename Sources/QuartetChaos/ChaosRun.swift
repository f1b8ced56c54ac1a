import AsyncHTTPClient
import Catalog
import ClientSupport
package import Foundation
import Logging
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetService
package import QuartetStack
import QuartetStores
import Synchronization

/// A storm over a private stack: two copies of each role in processes of their own, callers, and the plan's faults. Then
/// everything is healed, and what was accepted is looked up in every store.
package final class ChaosRun: Sendable {
    private static let callerCount = 6
    private static let userCallerCount = 4
    private static let checkTimeout = Duration.seconds(300)
    private static let apiKey = "storm"

    let plan: ChaosPlan
    let stack: LocalStack
    private let folder: URL
    private let configuration: QuartetConfiguration
    private let environment: [String: String]
    private let clients: StoreClients
    let copies: [RoleCopy]
    let proxy: StormProxy?
    let ledger: any EventLedger
    let incidents = Incidents()
    private let logger = Logger(label: "chaos") { _ in SwiftLogNoOpLogHandler() }
    private let say: @Sendable (String) -> Void

    /// - Parameters:
    ///   - folder: for the logs of the roles.
    ///   - say: told what is being done.
    package init(
        plan: ChaosPlan, stack: LocalStack, folder: URL, say: @escaping @Sendable (String) -> Void
    ) async throws {
        self.plan = plan
        self.stack = stack
        self.folder = folder
        self.say = say
        environment = Self.environment(of: stack, plan.bus)
        configuration = try QuartetConfiguration.load(environment: environment)
        clients = try StoreClients(configuration, role: "chaos", logger: logger)
        ledger = try plan.ledger(of: stack, clients, logger: logger)
        let proxy = plan.hasProxy ? try await plan.proxy(to: stack) : nil
        self.proxy = proxy
        let variables = environment
        copies = ChaosPlan.roles.flatMap { role in
            (1...ChaosPlan.copies).map { number in
                RoleCopy(role: role, number: number, folder: folder) {
                    proxy?.environment(of: $0, variables) ?? variables
                }
            }
        }
    }

    /// Short leases and timeouts, so that in a short storm many of them run out.
    private static func environment(of stack: LocalStack, _ bus: EventBus) -> [String: String] {
        let settings = [
            "EVENTS_BUS": bus.rawValue, "RABBITMQ_HEARTBEAT": "2s", "RABBITMQ_RETRY_DELAY": "500ms",
            "QUARTET_API_KEY": apiKey, "DB_CONNECTIONS_MAX": "3", "MONGODB_CONNECTIONS_MAX": "8",
            "KAFKA_FETCH_WAIT": "20ms", "KAFKA_SESSION_TIMEOUT": "4s", "ORDERS_CONSUMERS": "1",
            "WORKER_LEASE_DURATION": "2s", "WORKER_REVIEWS_PER_CHUNK": "8", "WORKER_RETRY_MAX": "2s",
            "RELAY_LEASE_DURATION": "2s", "OUTBOX_RETENTION": "7d", "CHECK_SETTLE_WINDOW": "2s",
            "MONGODB_OPERATION_TIMEOUT": "5s", "DB_STATEMENT_TIMEOUT": "5s", "KAFKA_DELIVERY_TIMEOUT": "5s",
            "RABBITMQ_OPERATION_TIMEOUT": "3s", "REDIS_COMMAND_TIMEOUT": "1s",
            "CHECK_SECOND_LOOK_PAUSE": "1s", "CHECK_WORK_SHARE": "100", "CHECK_SCHEDULE": "off",
        ]
        return stack.environment.merging(settings) { $1 }
    }

    package func run() async throws -> ChaosFigures {
        do {
            var figures = try await hold()
            figures.add(await end())
            return figures
        } catch {
            for line in await end() { say(line) }
            throw error
        }
    }

    // MARK: The storm

    private func hold() async throws -> ChaosFigures {
        let migration = try Composition(
            configuration, role: "migrate", metrics: MetricsRegistry(), logger: logger)
        _ = try await migration.migrate()
        await migration.clients.close()
        let users = UserVerdict(clients: clients)
        try await users.prepare()
        try await ledger.prepare()
        let data = StormData(clients: clients)
        let (products, unreadable) = (try await data.prepare(), try await data.prepareUnreadable())
        for copy in copies { try await copy.start() }
        let apis = copies.filter { $0.name.hasPrefix("serve") }
        let callers = Callers(
            copies: apis, products: products, unreadable: unreadable, key: Self.apiKey, http: .shared)
        let userCallers = UserCallers(copies: apis, key: Self.apiKey, http: .shared)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [ledger] in try await ledger.run() }
            group.addTask { [self] in await superviseServers() }
            async let load: Void = callers.run(count: Self.callerCount)
            async let userLoad: Void = userCallers.run(count: Self.userCallerCount)
            var figures = ChaosFigures(seed: plan.seed, seconds: plan.milliseconds / 1000)
            async let repairs = repairMidway()
            try await cause(&figures)
            say("healing")
            try await heal()
            callers.stop()
            userCallers.stop()
            try await load
            try await userLoad
            for end in try await repairs { incidents.found(end) }
            try await waitForQuiet(callers.record, apis, &figures)
            try await judge(callers, products, apis, &figures)
            let changes = userCallers.record
            let wrong = try await users.judge(changes) + changes.wrongAnswers + ledger.book.disorder
            figures.userChanges = changes.changes
            figures.wrong += wrong.count
            figures.add(wrong)
            group.cancelAll()
            // What ended them before they were told to ends the storm.
            try await group.waitForAll()
            return figures
        }
    }

    /// Starts the broker again when it died by itself, and notes what else did; until cancelled.
    private func superviseServers() async {
        for await exit in stack.unexpectedExits {
            say("\(exit)")
            guard exit.server.hasPrefix(stack.kafka.name) else {
                incidents.found("\(exit)")
                continue
            }
            incidents.brokerDied()
            if !stack.kafka.keepsRecords { ledger.beginAgain() }
            do {
                try await stack.kafka.start()
                if !stack.kafka.keepsRecords { incidents.brokerIsBack() }
            } catch {
                incidents.found("\(error)")
            }
        }
    }

    /// Has the checker repair in the midst of the storm, twice: it may find what faults have held up, and must not harm what is
    /// on its way. Returns how it ended where it may not end so.
    private func repairMidway() async throws -> [String] {
        var bad: [String] = []
        for _ in 0..<2 {
            try await ContinuousClock().sleep(
                until: .now.advanced(by: .milliseconds(plan.milliseconds * 2 / 5)))
            // The copy is made again while events go on, as far as stores let it.
            let copied = try await command(["project", "bootstrap", "users_view"])
            if ![.status(0), .status(1)].contains(copied.end) {
                bad.append(
                    "quartet project bootstrap in the storm: \(Self.words(of: copied.end))\n\(copied.report)")
            }
            let (end, report) = try await check(["--full", "--repair"])
            // Findings may remain, and a store may be away for longer than the checker waits.
            if ![.status(0), .status(1), .status(2)].contains(end) {
                bad.append("quartet check --repair in the storm: \(Self.words(of: end))\n\(report)")
            }
        }
        return bad
    }

    /// Does what the plan says, each fault when its time has come.
    private func cause(_ figures: inout ChaosFigures) async throws {
        let started = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            // A server that takes long to recover may not be back when it is to be hit again.
            var last: [String: Task<Void, any Error>] = [:]
            for fault in plan.faults {
                try await Task.sleep(until: started + .milliseconds(fault.atMilliseconds))
                say(fault.line)
                figures.faults[fault.name, default: 0] += 1
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

    // MARK: Afterwards

    private func heal() async throws {
        for server in servers {
            await server.resume()
            try await server.start()
        }
        for copy in copies {
            await copy.thaw()
            try await copy.start()
        }
    }

    /// Waits until nothing is left to do and the checker may judge all of it; what is still to be done after minutes is a
    /// finding.
    private func waitForQuiet(_ record: Callers.Record, _ apis: [RoleCopy], _ figures: inout ChaosFigures) async throws
    {
        say("waiting for quiet, \(record.accepted.count) accepted")
        let watch = try QuietWatch(configuration, clients: clients, ledger: ledger, logger: logger)
        let outcome = try await watch.wait(for: Set(record.accepted.keys), servedBy: apis)
        figures.healedAfterSeconds = Self.rounded(outcome.workDoneAfter)
        for line in outcome.unquiet { incidents.found("not quiet: \(line)") }
    }

    private func judge(
        _ callers: Callers, _ products: [ProductID], _ apis: [RoleCopy], _ figures: inout ChaosFigures
    ) async throws {
        say("looking at every store")
        let (record, brokerBackAt) = (callers.record, incidents.report.brokerBackAt)
        let requests = try PostgresRequestStore(databases: clients.databases)
        let verdict = Verdict(
            requests: requests, sessions: MongoSessionStore(client: clients.mongo),
            cards: MongoCardStore(client: clients.mongo), unreadable: callers.unreadable,
            logLostBefore: brokerBackAt)
        let told = ledger.book.all
        var outcome = try await verdict.judge(record.accepted.keys.sorted(), events: told)
        // Whether the log lacks it, or only its first reader.
        if !outcome.lost.isEmpty, let book = try? await ledger.readAgain() {
            let rest = try await verdict.judge(record.accepted.keys.sorted(), events: book.all).lost
            outcome.lost = outcome.lost.map { rest.contains($0) ? $0 : "\($0) to its first reader; the log has it" }
        }
        let stored = try await storedCount()
        if stored != record.accepted.count {
            outcome.duplicated.append(
                "\(stored) requests are stored, \(record.accepted.count) were accepted")
        }
        if brokerBackAt != nil, plan.bus == .kafka {
            // Nobody tells caches and read models again what was in the lost log.
            let repair = try await check(["--full", "--invariant", "I8,I9", "--repair"])
            if repair.end != .status(0) {
                incidents.found("caches and read models could not be mended: \(repair.report)")
            }
        }
        let stale = try await staleProducts(products, callers, apis, requests)
        let (end, report) = try await check(["--full"])
        let isConsistent = end == .status(0)
        figures.accepted = record.accepted.count
        figures.completed = outcome.completed
        figures.failed = outcome.failed
        figures.cancelled = outcome.cancelled
        figures.retried = record.retried
        figures.dropped = record.dropped
        figures.callsUnanswered = record.unanswered
        figures.callsRefused = record.refused
        figures.longestStallSeconds = Self.rounded(record.longestStall)
        figures.slowestAnalysisSeconds = Self.rounded(record.slowest)
        figures.eventsRepeated = told.values.reduce(0) { sum, one in
            sum + one.deliveries - one.ids.values.reduce(0) { $0 + $1.count }
        }
        figures.brokerDeaths = incidents.report.brokerDeaths
        figures.eventsLostWithBroker = outcome.eventsLostWithBroker
        figures.lost = outcome.lost.count
        figures.duplicated = outcome.duplicated.count
        figures.stale = stale.count
        figures.wrong = outcome.wrong.count + record.wrongAnswers.count
        figures.isConsistent = isConsistent
        // Only the first hundred are kept, and these explain others.
        var findings = incidents.report.findings
        findings += outcome.lost + outcome.duplicated + outcome.wrong + stale + record.wrongAnswers
        for copy in copies { findings += await copy.unexpectedEnds }
        if !isConsistent {
            findings.append("quartet check \(Self.words(of: end))")
            findings += report.split(separator: "\n").map(String.init)
        }
        figures.add(findings)
    }

    private func storedCount() async throws -> Int {
        let table = configuration.tables[.analysisRequests]
        let rows = try await clients.databases.client(of: table.database).query(
            PostgresStatement(
                "SELECT count(*) FROM \(table.schema).analysis_requests", name: "chaos_count"))
        return try rows.single().decode(0, as: Int.self)
    }

    /// Products for which a copy of the API serves another result than the latest.
    private func staleProducts(
        _ products: [ProductID], _ callers: Callers, _ apis: [RoleCopy],
        _ requests: PostgresRequestStore
    ) async throws -> [String] {
        let latest = try await requests.latestResults(of: products)
        var stale: [String] = []
        for api in apis {
            guard let url = await api.url else {
                stale.append("\(api.name) does not listen")
                continue
            }
            for (product, result) in zip(products, latest) {
                do {
                    let served = try await callers.servedResult(of: product, at: url)
                    if served != result?.json {
                        stale.append("\(api.name) serves an old result of \(product)")
                    }
                } catch {
                    stale.append("\(api.name) serves no result of \(product): \(error)")
                }
            }
        }
        return stale
    }

    private func check(_ arguments: [String]) async throws -> (end: ChildProcess.End?, report: String) {
        try await command(["check"] + arguments)
    }

    private func command(_ arguments: [String]) async throws -> (
        end: ChildProcess.End?, report: String
    ) {
        let output = folder.appendingPathComponent("\(arguments[0])-\(UUID().uuidString.prefix(8)).out")
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let variables = proxy?.environment(of: ChaosPlan.commands, environment) ?? environment
        let process = try ChildProcess(
            ["/usr/bin/env"] + variables.map { "\($0.key)=\($0.value)" } + [program] + arguments,
            log: output, orphanSignal: "KILL")
        await process.waitForEnd(until: .after(Self.checkTimeout))
        let end = process.end
        process.signal(SIGKILL)
        return (end, try String(contentsOf: output, encoding: .utf8))
    }

    private static func words(of end: ChildProcess.End?) -> String {
        end.map { "ended with \($0)" } ?? "did not end within \(checkTimeout)"
    }

    /// Every role must end well when told to. Returns a line for each that does not.
    private func end() async -> [String] {
        let lines = await withTaskGroup(of: String?.self) { group in
            for copy in copies {
                group.addTask { await copy.stop(within: .seconds(30)) }
            }
            return await group.reduce(into: [String]()) { lines, line in
                if let line { lines.append(line) }
            }
        }
        await clients.close()
        await proxy?.close()
        return lines.sorted()
    }

    private static func rounded(_ duration: Duration) -> Double {
        (duration.seconds * 100).rounded() / 100
    }
}
