import ClientSupport
import Foundation
import HTTPTypes
import Market
import Postgres
import QuartetCore
import QuartetDatabases
import ServiceSupport
import Synchronization
import Testing

@testable import QuartetService

/// Jobs that collect what products are compared with.
@Suite("Collecting benchmarks", .timeLimit(.minutes(5))) struct CollectTests {
    private static let job =
        #"{"id": "j", "marketplace": "m", "query": "찻잔", "url": "http://127.0.0.1:1/api", "token": "t"}"#

    private static func product(_ number: Int, price: Int = 100) -> String {
        #"{"id": \#(number), "name": "잔 \#(number)", "brand": "Acme", "price": \#(price), "extra": {"a": [1]}}"#
    }

    @Test(
        "a job's pages become benchmark products, and only what changed is written the next time",
        arguments: Layout.allCases)
    func collected(_ layout: Layout) async throws {
        try await House.open(layout) { house in
            let bad = [#"{"id": 8, "price": 5}"#, #"{"id": 9, "name": "n", "price": "dear"}"#, "7"]
            let market = SupplierServer(["products": (1...7).map { Self.product($0) } + bad])
            market.change { $0.token = "t" }
            let collector = try house.collector(of: market)
            #expect(try await house.call(.post, "/v1/benchmark_collect_jobs", Self.job).status == 201)
            #expect(try await collector.waiting() == ["j"])
            let first = try await collector.run("j")
            #expect(first.error == nil && first.pages == 3 && first.found == 7 && first.changed == 7, "\(first)")
            #expect(first.refused == 3)
            #expect(market.change { $0.requests } == ["products -", "products 4", "products 8"])
            let list = try await house.call(.get, "/v1/benchmark_products?job_id=j")
            #expect(list.ids("benchmark_products") == (1...7).map { "m:\($0)" }, "\(list.text)")
            let job = try await house.call(.get, "/v1/benchmark_collect_jobs/j")
            #expect(job.json["status"] as? String == "done" && job.json["found"] as? Int == 7, "\(job.text)")
            #expect(!job.text.contains("token") && job.json["ended_at"] != nil)

            #expect(try await house.call(.delete, "/v1/benchmark_products/m:7", nil, [.ifMatch: "*"]).status == 200)
            market.change { $0.rows["products"]?[1] = Self.product(2, price: 90) }
            #expect(try await collector.waiting().isEmpty)
            let second = try await collector.run("j")
            #expect(second.error == nil && second.found == 7 && second.changed == 1, "\(second)")
            #expect(try await house.call(.get, "/v1/benchmark_products/m:7").status == 404)
            let events = try await house.events(of: Table("benchmark_products")).filter { $0.contains("benchmark") }
            #expect(
                events == (1...7).map { "market.benchmark.created m:\($0)" } + [
                    "market.benchmark.deleted m:7", "market.benchmark.updated m:2",
                ])
        }
    }

    @Test("one that breaks off says why, and goes on where it was")
    func brokenOff() async throws {
        try await House.open(.oneDatabase) { house in
            let market = SupplierServer(["products": (1...10).map { Self.product($0) }])
            market.change {
                $0.faults = [.init(body: #"{"products": [\#(Self.product(1))], "next": 4}"#), .init(status: 403)]
            }
            let collector = try house.collector(of: market)
            _ = try await house.call(.post, "/v1/benchmark_collect_jobs", Self.job)
            let broken = try await collector.run("j")
            #expect(broken.error?.contains("refuses") == true && broken.found == 1, "\(broken)")
            let job = try await house.call(.get, "/v1/benchmark_collect_jobs/j")
            #expect(job.json["status"] as? String == "failed" && job.json["error"] != nil, "\(job.text)")
            let report = try await collector.run("j")
            #expect(report.error == nil && report.pages == 3 && report.found == 7, "\(report)")
            #expect(market.change { $0.requests } == ["products -", "products 4", "products 4", "products 8"])

            market.change { $0.ringFrom = 4 }
            #expect(try await collector.run("j").error?.contains("do not end") == true)
        }
    }

    @Test("one that somebody holds is left to him until his lease has passed")
    func held() async throws {
        try await House.open(.threeDatabases) { house in
            let collector = try house.collector(of: SupplierServer(["products": [Self.product(1)]]))
            for body in [Self.job, #"{"id": "k", "marketplace": "m", "query": "q"}"#] {
                _ = try await house.call(.post, "/v1/benchmark_collect_jobs", body)
            }
            for (job, reason) in [("k", "has no url"), ("nobody", "there is no benchmark collect job")] {
                let error = await #expect(throws: CollectError.self) { try await collector.run(job) }
                #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
            }
            let hold = """
                UPDATE {benchmark_collect_jobs} SET status = 'running', holder = 'another', held_until = now() + $1
                WHERE job_id = 'j' RETURNING 1
                """
            #expect(try await house.marketCount(hold.replacing("$1", with: "interval '1 hour'")) == 1)
            #expect(try await collector.waiting().isEmpty)
            let error = await #expect(throws: CollectError.self) { try await collector.run("j") }
            #expect(error?.description == "another collects it now")
            #expect(try await house.marketCount(hold.replacing("$1", with: "interval '-1 second'")) == 1)
            #expect(try await collector.waiting() == ["j"])
            #expect(try await collector.run("j").found == 1)
        }
    }
}

extension House {
    /// With pages of four, without pauses.
    fileprivate func collector(of market: SupplierServer) throws -> BenchmarkCollector {
        var configuration = SyncConfiguration()
        configuration.rowsPerPage = 4
        configuration.requestsPerSecond = 1_000_000
        let settings = Live(configuration)
        return try BenchmarkCollector(
            databases: databases, leaseDuration: .seconds(60), process: "test", logger: Self.logger
        ) { FetchedBenchmarks($0, configuration: settings, transport: DirectTransport(supplier: market)) }
    }
}
