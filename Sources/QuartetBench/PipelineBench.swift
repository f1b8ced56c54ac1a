import Catalog
import ClientSupport
import Foundation
import Logging
import Mongo
import NIOCore
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetService
package import QuartetStack
import QuartetStores
import Redis

/// Measures the pipeline on private servers with durable settings: fsync on, majority and journaled writes, Redis
/// appendfsync everysec.
package struct PipelineBench {
    static let productCount = 200
    private static let callers = 64

    /// How much is done in each part.
    package struct Sizes: Sendable {
        package var submits = 40_000
        package var analyses = 10_000
        /// Before the analyses, and again after them.
        package var floorAnalyses = 6_000
        /// Whether it is told what each phase spends.
        package var tellsCost = false
        package var lightRequests = 100
        package var lightRequestsPerSecond = 5
        package var idleDuration: Duration = .seconds(10)
        /// How often each of two builds is measured in turns.
        package var rounds = 3
        /// How long the transaction is open beside which light load is measured once more.
        package var openTransactionDuration: Duration = .seconds(20)

        package init() {}
    }

    private let stack: LocalStack
    let sizes: Sizes
    let say: @Sendable (String) -> Void
    let stores: BenchStores
    var tellsCost: Bool
    /// The program whose roles are measured; nil: this one.
    var program: String?
    let key = "bench"

    /// - Parameter say: told what is being measured, for people.
    package init(stack: LocalStack, sizes: Sizes, say: @escaping @Sendable (String) -> Void) throws {
        self.stack = stack
        self.sizes = sizes
        tellsCost = sizes.tellsCost
        self.say = say
        stores = try BenchStores(on: stack)
    }

    package func run() async throws -> PipelineFigures {
        try await stores.closing { try await measure() }
    }

    private func measure() async throws -> PipelineFigures {
        say("preparing \(Self.productCount) products of \(BenchData.reviewsPerProduct) reviews")
        try await prepare()
        // First what wants servers that have nothing else to do, such as to clean up behind the parts that follow.
        say("light load and its floor, idle")
        let lightFloor = try await measureLightFloor()
        let (light, idle) = try await measureLightLoad(floor: lightFloor)
        say("submits over HTTP, \(Self.callers) callers")
        let (submit, submitCost) = try await costing("submit", of: sizes.submits) { try await measureSubmits() }
        say("the floor: the same store operations with ideal batching and nothing else")
        let (floorBefore, floorCost) = try await measureFloor()
        say("analyses from a preloaded queue")
        let (queue, queueCost) = try await costing("from_preloaded_queue", of: sizes.analyses) {
            try await measureQueue(QueueLoad(analyses: sizes.analyses)).perSecond
        }
        say("analyses end to end")
        let ((endToEnd, residentUnderLoad), endToEndCost) = try await costing("end_to_end", of: sizes.analyses) {
            try await measureEndToEnd()
        }
        say("the floor once more")
        // A machine that others use too is not as fast at the end as it was at the beginning.
        let floor = (floorBefore + (try await measureFloor().perSecond)) / 2
        say("the floor with a document per card")
        let singleCards = try await measureFloor(.single).perSecond
        func analyses(_ rate: Double) -> PipelineFigures.Analyses {
            .init(
                analyses: sizes.analyses, reviewsEach: BenchData.reviewsPerProduct, perSecond: Int(rate),
                ofFloor: (rate / floor * 1000).rounded() / 1000)
        }
        return PipelineFigures(
            cores: ProcessInfo.processInfo.activeProcessorCount, submit: submit, fromPreloadedQueue: analyses(queue),
            endToEnd: analyses(endToEnd), lightLoad: light,
            idle: .init(
                cpuPercent: idle.cpuPercent, residentMegabytes: idle.residentMegabytes,
                residentMegabytesUnderLoad: residentUnderLoad),
            floor: .init(
                what: Floor.what, analyses: 2 * sizes.floorAnalyses, perSecond: Int(floor),
                perSecondWithSingleCards: Int(singleCards)),
            cost: [submitCost, floorCost, queueCost, endToEndCost].compactMap(\.self),
            settings: sizes.tellsCost ? try await meter.settings() : nil)
    }

    private var meter: CostMeter { CostMeter(clients: stores.clients) }

    /// What `body` gives, and what it cost where that is asked for; then all it left is removed. What begins a phase counts too.
    func costing<Value>(
        _ phase: String, of analyses: Int, _ body: () async throws -> Value
    ) async throws -> (Value, PhaseCost?) {
        guard tellsCost else {
            let value = try await body()
            try await forget()
            return (value, nil)
        }
        let start = try await meter.read()
        let value = try await body()
        let cost = CostMeter.cost(phase, of: analyses, from: start, to: try await meter.read())
        try await forget()
        if sizes.tellsCost { for line in cost.lines { say(line) } }
        return (value, cost)
    }

    // MARK: Parts

    private func measureSubmits() async throws -> PipelineFigures.Submit {
        let outcome = try await withRoles(["serve"]) { _, port in
            let loop = ClosedLoop(port: port, callers: Self.callers, requests: submitRequests())
            _ = try await loop.run(count: sizes.submits / 10)
            return try await loop.run(count: sizes.submits)
        }
        guard outcome.refused == 0 else { throw BenchError("\(outcome.refused) submits were refused") }
        return .init(
            callers: Self.callers, submits: sizes.submits,
            perSecond: Int(Double(sizes.submits) / outcome.duration.seconds),
            milliseconds: outcome.latencies.summary)
    }

    private var floor: Floor {
        Floor(
            clients: stores.clients, productCount: Self.productCount, logger: stores.logger)
    }

    func measureLightFloor() async throws -> Latencies {
        _ = try await floor.runLightLoad(count: 10, requestsPerSecond: sizes.lightRequestsPerSecond)
        let latencies = try await floor.runLightLoad(
            count: sizes.lightRequests, requestsPerSecond: sizes.lightRequestsPerSecond)
        try await forget()
        return latencies
    }

    func measureFloor(_ layout: Floor.CardLayout = .segments) async throws -> (perSecond: Double, cost: PhaseCost?) {
        var floor = floor
        floor.layout = layout
        let counted = floor
        return try await costing("floor", of: sizes.floorAnalyses) {
            try await counted.run(count: sizes.floorAnalyses)
        }
    }

    /// Beside a transaction that has written and does not end, as a forgotten session leaves one.
    private func besideOpenTransaction(_ light: LightLoad) async throws -> Latencies {
        let count = Int(sizes.openTransactionDuration.seconds) * sizes.lightRequestsPerSecond
        return try await database().transaction { session in
            _ = try await session.query(PostgresStatement("SELECT pg_current_xact_id()", name: "begin"))
            return try await light.run(count: max(1, count))
        }
    }

    private func measureLightLoad(
        floor: Latencies
    ) async throws -> (PipelineFigures.LightLoad, (cpuPercent: Double, residentMegabytes: Int)) {
        let (latencies, held, idle) = try await withRoles([]) { process, port in
            // The consumer's first join to its group.
            try await ContinuousClock().sleep(until: .now.advanced(by: .seconds(4)))
            let light = try LightLoad(port: port, key: key, requestsPerSecond: sizes.lightRequestsPerSecond)
            _ = try await light.run(count: 10)
            let latencies = try await light.run(count: sizes.lightRequests)
            let held = try await besideOpenTransaction(light)
            // What the last requests leave behind is not idle.
            try await ContinuousClock().sleep(until: .now.advanced(by: .seconds(3)))
            let before = try process.cpuTime()
            try await ContinuousClock().sleep(until: .now.advanced(by: sizes.idleDuration))
            let share = (try process.cpuTime() - before) / sizes.idleDuration
            return (
                latencies, held,
                (cpuPercent: (share * 10_000).rounded() / 100, residentMegabytes: try process.residentMegabytes())
            )
        }
        try await forget()
        return (
            .init(
                requestsPerSecond: sizes.lightRequestsPerSecond, submitToCompletedMilliseconds: latencies.summary,
                besideOpenTransactionMilliseconds: held.summary,
                openTransactionSeconds: Int(sizes.openTransactionDuration.seconds), floorMilliseconds: floor.summary),
            idle
        )
    }

    /// Analyses a second, and the megabytes resident at their end.
    func measureEndToEnd() async throws -> (Double, Int) {
        let mark = RequestID.make()
        let resident = try await withRoles([]) { process, port in
            let loop = ClosedLoop(port: port, callers: Self.callers, requests: submitRequests())
            let outcome = try await loop.run(count: sizes.analyses)
            guard outcome.refused == 0 else { throw BenchError("\(outcome.refused) submits were refused") }
            try await completed(sizes.analyses, since: mark, [process])
            return try process.residentMegabytes()
        }
        let seconds = try await scalar("extract(epoch from max(closed_at) - min(created_at))::float8", since: mark)
        return (Double(sizes.analyses) / seconds, resident)
    }

    // MARK: Around them

    func prepare() async throws {
        try await stores.migrate()
        let products = try PostgresProductStore(databases: stores.clients.databases)
        _ = try await products.put((0..<Self.productCount).map { (BenchData.product($0), "product \($0)") })
        let reviews = MongoReviewStore(client: stores.clients.mongo)
        for number in 0..<Self.productCount {
            _ = try await reviews.add(BenchData.reviews(of: number), to: BenchData.product(number))
        }
    }

    /// Leaves products and reviews only.
    func forget() async throws {
        try await truncate([.analysisResults, .analysisRequests, .outbox])
        let collections = [
            MongoTaskQueue.collectionName, MongoSessionStore.collectionName, MongoCardStore.collectionName,
            MongoKeywordStore.collectionName, Floor.singleCardsName,
        ]
        for name in collections {
            _ = try await stores.clients.mongo.collection(name).deleteMany([:])
        }
        _ = try await stores.clients.redis.send(RedisCommand("FLUSHALL"))
        try await database().execute(script: "checkpoint")
    }

    /// What preloaded requests announced has been relayed by nobody: a relay would make tasks of them once more.
    func forgetEvents() async throws { try await truncate([.outbox]) }

    private func truncate(_ tables: [Table]) async throws {
        let names = tables.map { "{\($0.rawValue)}" }.joined(separator: ", ")
        let map = stores.configuration.tables
        let sql = try map.render("truncate \(names)", label: "bench", in: map[.analysisRequests].database).sql
        try await database().execute(script: sql)
    }

    func database() throws -> PostgresClient {
        try stores.clients.databases.client(of: stores.configuration.tables[.analysisRequests].database)
    }

    /// - Parameter expression: of the requests that were made since `mark`.
    func scalar(_ expression: String, since mark: RequestID) async throws -> Double {
        let sql = try stores.configuration.tables.render(
            "select \(expression) from {analysis_requests} where request_id > $1::uuid", label: "bench"
        ).sql
        return try await database().query(PostgresStatement(sql, name: "bench", mark.uuid)).single()
            .decode(0, as: Double.self)
    }

    /// Returns when so many of the requests since `mark` are completed.
    ///
    /// - Parameter look: told now and then how many are.
    func completed(
        _ count: Int, since mark: RequestID, _ processes: [RoleProcess], look: (Int) throws -> Void = { _ in }
    ) async throws {
        let deadline = Deadline.after(.seconds(180 + count / 100))
        while true {
            let done = Int(try await scalar("(count(*) filter (where status = 'completed'))::float8", since: mark))
            try look(done)
            if done >= count { return }
            for process in processes {
                guard process.isRunning, !deadline.isPast else {
                    throw BenchError("\(done) of \(count) analyses completed: \(process.lastLogLine)")
                }
            }
            // Counting takes time, too.
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(count > 50_000 ? 2_000 : 250)))
        }
    }

    /// Runs `body` beside roles that serve at a port; all of them where none is named.
    func withRoles<Value>(
        _ roles: [String], _ body: (RoleProcess, Int) async throws -> Value
    ) async throws -> Value {
        let port = try freePort()
        return try await withProcess(roles, port: port) { process in
            try await process.untilServing(port: port)
            return try await body(process, port)
        }
    }

    func withProcess<Value>(
        _ roles: [String], port: Int, _ body: (RoleProcess) async throws -> Value
    ) async throws -> Value {
        var environment = stack.environment
        environment["QUARTET_API_KEY"] = key
        environment["QUARTET_API_PORT"] = String(port)
        environment["LOG_LEVEL"] = "notice"
        let process = try RoleProcess(
            program: program, roles: roles, environment: environment,
            log: stack.directory.appendingPathComponent("roles.log"))
        do {
            let value = try await body(process)
            await process.stop()
            return value
        } catch {
            await process.stop()
            throw error
        }
    }

    private func submitRequests() -> [ByteBuffer] {
        (0..<Self.productCount).map { number in
            let body = #"{"product_id":"\#(BenchData.product(number))"}"#
            return ByteBuffer(
                string: "POST /v1/analyses HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer \(key)\r\n"
                    + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
    }
}
