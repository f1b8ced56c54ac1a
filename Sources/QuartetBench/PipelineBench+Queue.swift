import Catalog
import Foundation
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetService
import QuartetStores

/// What waits in the queue, and who works it off.
struct QueueLoad: Sendable {
    /// Analyses of 20 reviews.
    var analyses: Int
    /// Processes with the role `work`.
    var workers = 1
    /// Reviews of one request more, which is the first to be claimed; 0: there is none.
    var largeReviews = 0
    /// Callers that each follow one of the requests to its end.
    var watchers = 0
}

struct QueueOutcome: Sendable {
    /// Analyses of 20 reviews, from the first result to the last, by PostgreSQL's clock: the worker's start does not count.
    let perSecond: Double
    /// The same of each quarter of them, in the order in which they were completed.
    let quartersPerSecond: [Int]
    /// Of the largest worker, at the end of each quarter.
    let residentMegabytes: [Int]
    /// From the first of all results until the large request had its own.
    let largeSeconds: Double?
}

extension PipelineBench {
    private static let large = "bench-large"

    func measureQueue(_ load: QueueLoad) async throws -> QueueOutcome {
        let mark = RequestID.make()
        if load.largeReviews > 0 { try await preload([try await largeProduct(load.largeReviews)]) }
        let watched = try await preload(load.analyses)
        var resident: [Int] = []
        try await withWatchers(of: Array(watched.prefix(load.watchers))) {
            try await withWorkers(load.workers) { workers in
                let count = load.analyses + (load.largeReviews > 0 ? 1 : 0)
                try await completed(count, since: mark, workers) { done in
                    guard done * 4 >= load.analyses * (resident.count + 1) else { return }
                    let most = try workers.map { try $0.residentMegabytes() }.max() ?? 0
                    resident += Array(repeating: most, count: min(4, done * 4 / load.analyses) - resident.count)
                }
            }
        }
        let small = "filter (where product_id <> '\(Self.large)')"
        let seconds = try await scalar(
            "extract(epoch from max(closed_at) \(small) - min(closed_at) \(small))::float8", since: mark)
        let largeSeconds =
            load.largeReviews == 0
            ? nil
            : try await scalar(
                "extract(epoch from max(closed_at) filter (where product_id = '\(Self.large)') - min(closed_at))::float8",
                since: mark)
        return QueueOutcome(
            perSecond: Double(load.analyses) / seconds, quartersPerSecond: try await quarters(since: mark),
            residentMegabytes: resident, largeSeconds: largeSeconds)
    }

    private func quarters(since mark: RequestID) async throws -> [Int] {
        let sql = try stores.configuration.tables.render(
            """
            SELECT count(*)::float8 / extract(epoch FROM max(closed_at) - min(closed_at))::float8
            FROM (
                SELECT closed_at, ntile(4) OVER (ORDER BY closed_at) AS quarter FROM {analysis_requests}
                WHERE request_id > $1::uuid AND product_id <> $2::text
            ) AS n GROUP BY quarter ORDER BY quarter
            """, label: "bench"
        ).sql
        let rows = try await database().query(PostgresStatement(sql, name: "quarters", mark.uuid, Self.large))
        return try rows.map { Int(try $0.decode(0, as: Double.self)) }
    }

    /// Requests and tasks for `count` analyses, without the relay between them; returns the requests.
    private func preload(_ count: Int) async throws -> [RequestID] {
        var ids: [RequestID] = []
        for start in stride(from: 0, to: count, by: 500) {
            ids += try await preload(
                (start..<min(start + 500, count)).map { BenchData.product($0 % Self.productCount) })
        }
        return ids
    }

    @discardableResult
    private func preload(_ products: [ProductID]) async throws -> [RequestID] {
        let requests = try PostgresRequestStore(databases: stores.clients.databases)
        let queue = MongoTaskQueue(client: stores.clients.mongo)
        try await queue.prepare()
        let submissions = products.map { Submission(id: .make(), productID: $0) }
        _ = try await requests.submit(submissions)
        try await queue.enqueue(
            submissions.map { AnalysisTask(requestID: $0.id, productID: $0.productID, generation: 1) })
        return submissions.map(\.id)
    }

    private func largeProduct(_ count: Int) async throws -> ProductID {
        guard let product = ProductID(Self.large) else { throw BenchError("\(Self.large) is no product's id") }
        _ = try await PostgresProductStore(databases: stores.clients.databases).put([(product, "large")])
        let reviews = MongoReviewStore(client: stores.clients.mongo)
        for start in stride(from: 0, to: count, by: 1_000) {
            let numbers = start..<min(start + 1_000, count)
            _ = try await reviews.add(
                numbers.map { number in
                    let like = BenchData.reviews(of: number)[0]
                    return Review(id: "large-\(number)", text: like.text, rating: like.rating, date: like.date)
                }, to: product)
        }
        return product
    }

    private func withWorkers(_ count: Int, _ body: ([RoleProcess]) async throws -> Void) async throws {
        func with(_ more: Int, beside workers: [RoleProcess]) async throws {
            guard more > 0 else { return try await body(workers) }
            try await withProcess(["work"], port: 0) { try await with(more - 1, beside: workers + [$0]) }
        }
        try await with(count, beside: [])
    }

    /// Runs `body` while callers follow `requests`; each has to be told of its request's end.
    private func withWatchers(of requests: [RequestID], _ body: () async throws -> Void) async throws {
        guard !requests.isEmpty else { return try await body() }
        try await withRoles(["serve"]) { _, port in
            let watchers = try await Watchers(of: requests, port: port, key: key)
            try await body()
            try await watchers.untilAllEnded()
        }
    }
}
