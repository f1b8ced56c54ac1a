import AsyncHTTPClient
import ClientSupport
import Foundation
import Kafka
import Market
import NIOCore
import NIOHTTP1
import Postgres
import QuartetAPI
import QuartetCore
import QuartetDatabases
import QuartetService
package import QuartetStack
import QuartetStores

/// Measures how fast orders come in on private servers with durable settings, by import and through the topic, beside a plain
/// COPY of as many rows.
package struct OrderBench {
    private static let timeMax = Duration.seconds(900)
    private static let ordersPerCall = 10_000
    private static let callers = 2

    private static let settings = ["QUARTET_API_KEY": "bench"]

    private let stack: LocalStack
    private let orders: Int
    private let say: @Sendable (String) -> Void
    private let stores: BenchStores
    private let market: PostgresClient

    /// - Parameter say: told what is being measured, for people.
    package init(stack: LocalStack, orders: Int, say: @escaping @Sendable (String) -> Void) throws {
        (self.stack, self.orders, self.say) = (stack, orders, say)
        stores = try BenchStores(on: stack, settings: Self.settings)
        market = try stores.clients.databases.client(of: MarketService.schema)
    }

    package func run() async throws -> OrderFigures {
        try await stores.closing { try await measure() }
    }

    private func measure() async throws -> OrderFigures {
        try await stores.migrate()
        try await stock()
        say("copying \(orders) rows as they are stored")
        let copied = try await copied()
        say("COPY: \(copied) a second; importing by HTTP")
        let imported = try await imported()
        say("import: \(imported) a second; through the topic")
        let taken = try await taken()
        return OrderFigures(
            cores: ProcessInfo.processInfo.activeProcessorCount, broker: stack.kafka.summary, orders: orders,
            copiedPerSecond: copied, importedPerSecond: imported, takenPerSecond: taken,
            consumers: stores.configuration.orders.consumers)
    }

    private func run(_ sql: String) async throws {
        try await market.execute(
            script: try stores.clients.configuration.tables.render(sql, label: "bench").sql,
            deadline: .after(Self.timeMax))
    }

    /// Users and products that the market knows.
    private func stock() async throws {
        try await run(
            """
            INSERT INTO {market_users_view} (user_id, gender, age_group, region, version, is_deleted, changed_at)
            SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'female', n % 7 * 10 || 's', '서울', 1, false, now() FROM generate_series(0, 9999) n;
            INSERT INTO {products_view} (
                product_id, name, supplier_item_id, category_id, currency, price, version, is_deleted, changed_at)
            SELECT 'p-' || n, 'n', CASE WHEN n % 2 = 0 THEN 's-' || n END, 'c', 'KRW', n, 1, false, now()
            FROM generate_series(0, 9999) n;
            """)
    }

    private func order(_ prefix: String, _ number: Int) -> String {
        let digits = String(number % 10_000 + 1_000_000_000_000).dropFirst()
        return
            #"{"id":"\#(prefix)-\#(number)","user_id":"00000000-0000-4000-8000-\#(digits)","product_id":"p-\#(number % 9_973)"}"#
    }

    private func perSecond(_ body: () async throws -> Void) async throws -> Int {
        let started = ContinuousClock.now
        try await body()
        return Int(Double(orders) / started.duration(to: .now).seconds)
    }

    // MARK: The ways

    /// The floor: the same rows into a table of the same kind, with its indexes, without a look at anything else.
    private func copied() async throws -> Int {
        let tables = stores.clients.configuration.tables
        let table = try tables.render("{orders}", label: "bench").sql
        try await market.execute(script: "CREATE TABLE copied_orders (LIKE \(table) INCLUDING ALL)")
        let lines = (0..<orders).map { number in
            let digits = String(number % 10_000 + 1_000_000_000_000).dropFirst()
            return "c-\(number)\t00000000-0000-4000-8000-\(digits)\tp-\(number % 9_973)\t1\tKRW\t\(number % 9_973)"
                + "\t2026-01-01T00:00:00Z\tc\t서울\tfemale\t30s\t1\n"
        }
        let bytes = Array(lines.joined().utf8)
        return try await perSecond {
            _ = try await market.copyIn(
                """
                COPY copied_orders (order_id, user_id, product_id, quantity, currency, unit_price, ordered_at, category_id,
                    region, gender, age_group, version) FROM STDIN
                """,
                from: AsyncStream([UInt8].self) {
                    $0.yield(bytes)
                    $0.finish()
                }, deadline: .after(Self.timeMax))
        }
    }

    private func imported() async throws -> Int {
        let bodies = stride(from: 0, to: orders, by: Self.ordersPerCall).map { start in
            ByteBuffer(
                string: (start..<min(start + Self.ordersPerCall, orders)).map { order("h", $0) }
                    .joined(separator: "\n"))
        }
        let port = try freePort()
        return try await withRole("serve", ["QUARTET_API_PORT": String(port)]) { process in
            try await process.untilServing(port: port)
            return try await perSecond {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (place, body) in bodies.enumerated() {
                        if place >= Self.callers { try await group.next() }
                        group.addTask { try await post(body, port: port) }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    private func post(_ body: ByteBuffer, port: Int) async throws {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/v1/orders:import")
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Bearer \(stores.configuration.api.key)")
        request.headers.add(name: "Content-Type", value: "application/x-ndjson")
        request.body = .bytes(body)
        let response = try await HTTPClient.shared.execute(request, timeout: .minutes(10))
        let answer = try await response.body.collect(upTo: 1_048_576)
        guard response.status == .ok else { throw BenchError("\(response.status) \(String(buffer: answer))") }
    }

    /// From the moment at which the group is in its place and all are published.
    private func taken() async throws -> Int {
        let producer = try stores.clients.producer()
        let topic = stores.configuration.kafka.naming.topic(.shopOrders)
        func publish(_ numbers: Range<Int>) async throws {
            let records = numbers.map { number in
                KafkaRecord(
                    topic: topic, key: Array(String(number).utf8), value: Array(order("k", number).utf8))
            }
            for result in try await producer.send(records) { _ = try result.get() }
        }
        return try await withRole("project", [:]) { _ in
            let warm = 1_000
            try await publish(orders..<orders + warm)
            try await untilStored(warm)
            return try await perSecond {
                for start in stride(from: 0, to: orders, by: 10_000) {
                    try await publish(start..<min(start + 10_000, orders))
                }
                try await untilStored(orders + warm)
            }
        }
    }

    private func untilStored(_ count: Int) async throws {
        let table = try stores.clients.configuration.tables.render("{orders}", label: "bench").sql
        let counting = PostgresStatement("SELECT count(*) FROM \(table) WHERE order_id LIKE 'k-%'")
        let deadline = Deadline.after(Self.timeMax)
        while try await market.query(counting).single().decode(0, as: Int.self) < count {
            guard !deadline.isPast else { throw BenchError("not all orders were taken in") }
            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(100)))
        }
    }

    private func withRole<Value>(
        _ role: String, _ settings: [String: String], _ body: (RoleProcess) async throws -> Value
    ) async throws -> Value {
        let environment = stack.environment.merging(settings) { $1 }.merging(Self.settings) { $1 }.merging([
            "LOG_LEVEL": "notice"
        ]) { own, _ in own }
        let process = try RoleProcess(
            roles: [role], environment: environment, log: stack.directory.appendingPathComponent("\(role).log"))
        do {
            let value = try await body(process)
            await process.stop()
            return value
        } catch {
            say(process.lastLogLine)
            await process.stop()
            throw error
        }
    }
}

/// What a bench of orders found.
package struct OrderFigures: Codable, Sendable {
    let cores: Int
    let broker: String
    let orders: Int
    /// Rows of as many columns and indexes, by COPY.
    let copiedPerSecond: Int
    /// By `POST /v1/orders:import`, with copies looked at, orders to suppliers and events.
    let importedPerSecond: Int
    /// Published to `shop.orders` and stored.
    let takenPerSecond: Int
    let consumers: Int

    /// For people.
    package var lines: [String] {
        [
            "\(cores) cores, \(orders) orders, events over \(broker)", "COPY: \(copiedPerSecond) rows a second",
            "POST /v1/orders:import: \(importedPerSecond) orders a second",
            "shop.orders, \(consumers) consumers: \(takenPerSecond) orders a second",
        ]
    }
}
