import ClientSupport
import Foundation
package import Logging
import Postgres
import QuartetCore
package import QuartetDatabases

/// A job as its source has to know it.
package struct CollectJob: Sendable {
    package let id, marketplace, query, url: String
    /// Secret.
    package let token: String?
    let cursor: String?
}

/// What came of a run of a job, counted over all its runs since it began.
package struct CollectReport: Sendable, Codable {
    package let job: String
    package let pages, found, changed, refused: Int
    /// Why it broke off; the next run goes on from there.
    package let error: String?
}

/// Fetches benchmark products page by page, as the jobs say. Killed anywhere, the next run goes on where it was.
package struct BenchmarkCollector: Sendable {
    private static let pagesMax = 100_000
    private static let jobsMax = 1_000

    private let statements: StatementSet
    private let leaseMilliseconds: Int64
    private let lease: Duration
    private let process: String
    private let logger: Logger
    private let source: @Sendable (CollectJob) -> any BenchmarkSource

    /// - Parameters:
    ///   - process: who it is, for others who find it at work.
    ///   - source: of a job.
    package init(
        databases: Databases, leaseDuration: Duration, process: String, logger: Logger,
        source: @escaping @Sendable (CollectJob) -> any BenchmarkSource
    ) throws {
        let file = try SQLFile(label: "collecting.sql", bytes: PackageResources.collecting_sql)
        statements = try databases.statements(in: file, of: MarketService.schema)
        (lease, leaseMilliseconds) = (leaseDuration, Int64(leaseDuration.wholeMilliseconds))
        (self.process, self.logger, self.source) = (process, logger, source)
    }

    /// Jobs that nobody has begun, or that a process left when it died.
    package func waiting() async throws -> [String] {
        try await statements.named("waiting_jobs").run(Self.jobsMax).map { try $0.decode(0, as: String.self) }
    }

    /// Runs a job to its end: one that is done anew, one that broke off from where it was.
    ///
    /// - Parameter observe: is told of each page how many products it had.
    /// - Throws: `CollectError` for a job that can't be run; what the database reports.
    package func run(_ job: String, observe: @Sendable (Int) -> Void = { _ in }) async throws -> CollectReport {
        let holder = "\(process), \(UUIDv7.make().uuidString.lowercased())"
        let claimed = try await statements.named("claim_job").run(job, holder, leaseMilliseconds).first
        guard let claimed else { throw try await obstacle(of: job) }
        let (marketplace, query, url, token, cursor) = try claimed.decode(
            String.self, String.self, String.self, String?.self, String?.self)
        let task = CollectJob(
            id: job, marketplace: marketplace, query: query, url: url, token: token, cursor: cursor)
        let renewing = Task { try await renew(job, holder) }
        let outcome: Result<Void, any Error>
        do {
            try await pages(of: task, holder, observe)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        renewing.cancel()
        _ = await renewing.result
        // Also for a caller that was cancelled: the next run need not wait for the lease.
        return try await Task { try await end(job, holder, outcome) }.value
    }

    private func pages(of job: CollectJob, _ holder: String, _ observe: (Int) -> Void) async throws {
        let source = source(job)
        var (cursor, isListed, pages) = (job.cursor, false, 0)
        var cursors: Set<String> = cursor.map { [$0] } ?? []
        while !isListed {
            let page = try await source.page(behind: cursor)
            try await take(page, of: job, holder)
            observe(page.rows.count)
            pages += 1
            (cursor, isListed) = (page.next, page.next == nil)
            guard let next = page.next else { return }
            guard cursors.insert(next).inserted, pages < Self.pagesMax else {
                throw CollectError(
                    "the pages do not end: a cursor came again, or there are over \(Self.pagesMax) pages")
            }
        }
    }

    /// Writes what a page changes and where the job goes on, all or nothing.
    private func take(_ page: CollectedPage, of job: CollectJob, _ holder: String) async throws {
        var products: [String: CollectedBenchmark] = [:]
        var refused = page.refused
        // Of one that comes twice, the last counts.
        for row in page.rows {
            guard let product = CollectedBenchmark(row, of: job.marketplace) else {
                refused += 1
                logger.notice(
                    "a product that can't be used was left out", metadata: ["job": "\(job.id)", "id": "\(row.id)"])
                continue
            }
            products[product.id] = product
        }
        let rows = products.values.sorted { $0.id < $1.id }
        let (put, advance) = (try statements.named("put_benchmarks"), try statements.named("advance_job"))
        let (next, found, left) = (page.next, rows.count, refused)
        try await put.transaction { work in
            let changed = try await work.run(
                put, rows.map(\.id), rows.map(\.name), rows.map(\.brand), rows.map(\.category), rows.map(\.url),
                rows.map(\.currency), rows.map(\.price), rows.map(\.rating), rows.map(\.reviews), job.marketplace,
                job.id
            ).single().decode(0, as: Int64.self)
            let isOurs = try await !work.run(
                advance, job.id, holder, leaseMilliseconds, next, found, changed, left
            ).isEmpty
            guard isOurs else { throw CollectError("the job went to somebody else, or was deleted") }
        }
    }

    private func renew(_ job: String, _ holder: String) async throws {
        while !Task.isCancelled {
            try await ContinuousClock().sleep(until: .now.advanced(by: lease / 3))
            do {
                guard try await !statements.named("renew_job").run(job, holder, leaseMilliseconds).isEmpty else {
                    return
                }
            } catch {
                // A page that is stored renews it as well; and without it nothing is stored.
                logger.debug("lease not renewed", metadata: ["job": "\(job)", "error": "\(error)"])
            }
        }
    }

    private func end(_ job: String, _ holder: String, _ outcome: Result<Void, any Error>) async throws -> CollectReport
    {
        var (status, reason) = ("done", String?.none)
        if case .failure(let error) = outcome {
            // Told to stop, it waits for the next one who comes.
            status = error is CancellationError ? "waiting" : "failed"
            reason = StoredText.made(storable: "\(error)", bytesMax: 1_024)
        }
        guard let row = try await statements.named("end_job").run(job, holder, status, reason).first else {
            throw CollectError("job \(job) went to somebody else, or was deleted")
        }
        let (pages, found, changed, refused) = try row.decode(Int.self, Int.self, Int.self, Int.self)
        return CollectReport(
            job: job, pages: pages, found: found, changed: changed, refused: refused, error: reason)
    }

    private func obstacle(of job: String) async throws -> CollectError {
        guard let row = try await statements.named("job_state").run(job).first else {
            return CollectError("there is no benchmark collect job \(job)")
        }
        let (hasURL, holder) = try row.decode(Bool.self, String?.self)
        guard hasURL else { return CollectError("job \(job) has no url to collect from") }
        return CollectError("\(holder ?? "somebody else") collects it now")
    }
}

/// Why a job does not go on, in one line.
package struct CollectError: Error, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
