import Foundation
import HTTPTypes
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// A day of a shop on real servers, each service under a role of its own, while processes die. `QUARTET_TEST_DAY=whole` plays one with
/// 10,000 items, 2,000 users and 20,000 orders.
@Suite("A shop's day") struct ShopDayTests {
    private static let isWhole = ProcessInfo.processInfo.environment["QUARTET_TEST_DAY"] == "whole"

    @Test("what came is what the databases have, whoever died", .timeLimit(.minutes(15)))
    func day() async throws {
        let broker: TestBroker = Self.isWhole && TestBroker.isApacheHere ? .apache : .embedded
        try await QuartetSystem.withPrivateStack(on: broker) { stack in
            let roles = Dictionary(
                uniqueKeysWithValues: HouseRoles.services.map { ($0, HouseRoles.name(of: $0)) })
            let settings = Dictionary(
                uniqueKeysWithValues: roles.map { ("SERVICES_\($0.uppercased())_ROLE", $1) })
            try await QuartetSystem.run(on: stack, settings: settings) { system in
                try await DayPlay(Self.isWhole ? .whole : .short, in: system, stack, roles).play()
            }
        }
    }
}

/// How the services' roles are called here.
private enum HouseRoles {
    static let services = ["auth", "catalog", "market", "my", "suppliers", "system"]

    static func name(of service: String) -> String {
        TestStack.isSecured ? StackSecurity.role(of: service) : "day_\(service)"
    }
}

/// What took how long.
private struct DayTimes: CustomStringConvertible {
    private var last = ContinuousClock.now
    private(set) var description = "seconds:"

    mutating func note(_ what: String) {
        let seconds = last.duration(to: .now) / .seconds(1)
        description += " \(what) \(seconds.formatted(.number.precision(.fractionLength(1))))"
        last = .now
    }
}

private struct DayPlay: Sendable {
    private static let topic = EventTopic(rawValue: "shop.orders")

    let day: ShopDay
    let system: QuartetSystem
    let stack: LocalStack
    let roles: [String: String]
    let processes: DayProcesses

    init(_ day: ShopDay, in system: QuartetSystem, _ stack: LocalStack, _ roles: [String: String]) {
        (self.day, self.system, self.stack, self.roles) = (day, system, stack, roles)
        let quick = [
            "SYNC_POLL_INTERVAL": "100ms", "SYNC_RETRY_BASE": "10ms", "SYNC_REQUESTS_PER_SECOND": "1000",
            "SYNC_ROWS_PER_PAGE": "100", "SYNC_LEASE_DURATION": "1s", "EVENTS_REDRIVE_INTERVAL": "500ms",
            "EVENTS_REDRIVE_PAUSE": "1s", "ORDERS_CONSUMERS": "2",
        ]
        processes = DayProcesses(day.processes, in: system, settings: quick)
    }

    func play() async throws {
        let supplies = ShopDay.suppliers.map { _ in
            SupplierServer(["items": (1...day.itemsPerSupplier).map { day.item($0, isDearer: false) }])
        }
        try await supplies[0].serve { [self] first in
            try await supplies[1].serve { second in
                try await processes.startAll()
                var times = DayTimes()
                try await openUp([first, second])
                times.note("products")
                try await usersCome()
                times.note("users")
                for supply in supplies {
                    supply.change { state in
                        state.rows["items"] = (1...day.itemsPerSupplier).map { day.item($0, isDearer: true) }
                    }
                }
                async let analyses = analyse()
                try await order()
                times.note("orders sent")
                let requests = try await analyses
                try await lastUserComes()
                try await settle()
                times.note("all done")
                try await DayVerdict(day: day, system: system, stack: stack, roles: roles, processes: processes)
                    .judge(requests)
                times.note("judged")
                let kills = await processes.kills
                print("a shop's day: \(day.productCount) products, \(day.orderCount) orders, \(kills) kills; \(times)")
            }
        }
    }

    /// What suppliers have becomes products, which the market hears of.
    private func openUp(_ urls: [String]) async throws {
        for (supplier, url) in zip(ShopDay.suppliers, urls) {
            let account =
                #"{"id": "\#(supplier)", "name": "\#(supplier)", "url": "\#(url)", "sync_interval_seconds": 1}"#
            let answer = try await processes.call(.post, "/v1/supplier_accounts", account)
            // The one who stored it may have died before he said so.
            #expect([201, 409].contains(answer.status), "\(answer.text)")
        }
        try await eventually("some items are products") {
            try await system.stores.count("catalog.products") > day.productCount / 4
        }
        try await processes.kill(with: "sync")
        if day.isStormy { for _ in day.processes { try await processes.killNext() } }
        try await eventually("the market knows every product") {
            try await market("count(*) FROM market.products_view") == "\(day.productCount)"
        }
    }

    /// All but the last come, and each fourth moves house.
    private func usersCome() async throws {
        let users = day.users.dropLast()
        try await put(users.map { ($0, "서울") })
        if day.isStormy { for _ in day.processes { try await processes.killNext() } }
        try await put(users.filter { $0.number.isMultiple(of: 4) }.map { ($0, "부산") })
        try await eventually("the market knows all users") {
            try await market("count(*) FROM market.market_users_view WHERE region = '부산'")
                == "\(users.count { $0.number.isMultiple(of: 4) })"
        }
    }

    private func put(_ users: [(user: ShopDay.User, region: String)]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, (user, region)) in users.enumerated() {
                if place >= 16 { try await group.next() }
                group.addTask {
                    let answer = try await processes.call(.put, "/v1/users/\(user.id)", user.json(region: region))
                    #expect(answer.status == 200, "\(answer.text)")
                }
            }
            try await group.waitForAll()
        }
    }

    private func order() async throws {
        for (place, batch) in day.batches.enumerated() {
            let orders = batch.numbers.map { day.order($0).json }
            if batch.isByTopic {
                try await system.stores.send(orders, to: Self.topic)
            } else {
                let answer = try await processes.call(
                    .post, "/v1/orders:import", orders.joined(separator: "\n"), type: "application/x-ndjson",
                    headers: ["Prefer": "handling=lenient"])
                #expect(answer.status == 200, "\(answer.text)")
                // The first lot has the order of one who is not there yet; he orders again by the topic.
                let refused = answer.text.components(separatedBy: "unknown-user").count - 1
                #expect(refused == (batch.numbers.contains(1) ? 1 : 0), "\(answer.text)")
            }
            if day.isStormy { try await processes.killNext() } else if place == 2 { try await dieOnce() }
        }
        try await system.stores.send([day.order(1).json], to: Self.topic)
    }

    private func dieOnce() async throws {
        try await processes.kill(with: "serve")
        try await processes.kill(with: "project")
    }

    private func analyse() async throws -> [RequestID] {
        try await withThrowingTaskGroup(of: RequestID.self) { group in
            for number in 0..<day.reviewedCount {
                group.addTask {
                    let product = day.product(number)
                    guard let path = ProductID(product)?.pathPart else { throw TestFailure("bad id \(product)") }
                    let stored = try await processes.call(
                        .post, "/v1/products/\(path)/reviews", day.reviews(of: product), type: "application/x-ndjson")
                    #expect(stored.status == 200, "\(stored.text)")
                    let accepted = try await processes.call(
                        .post, "/v1/analyses", #"{"product_id": "\#(product)"}"#,
                        headers: ["Idempotency-Key": "day-\(number)"])
                    guard let id = RequestID(try accepted.decoded(as: Shop.Submitted.self).id) else {
                        throw TestFailure("analysis of \(product): \(accepted.text)")
                    }
                    return id
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// The order that waits for its user is stored then.
    private func lastUserComes() async throws {
        try await put([(day.users[day.userCount - 1], "제주")])
    }

    private func settle() async throws {
        try await eventually("every order is stored") {
            try await market("count(*) FROM market.orders") == "\(day.orderCount)"
        }
        try await eventually("every price is the market's") {
            try await market("sum(price) FROM market.products_view") == "\(day.prices)"
        }
        try await eventually("every analysis is over") {
            try await system.stores.count("analysis.analysis_requests WHERE closed_at IS NULL") == 0
        }
        try await eventually("nothing waits for a relay or is put aside") {
            try await system.finish(["events", "dead", "list", "--json"]).isEmpty
        }
    }

    private func market(_ what: String) async throws -> String? {
        try await system.stores.rows("SELECT \(what)", in: "MARKET").first?.first
    }
}
