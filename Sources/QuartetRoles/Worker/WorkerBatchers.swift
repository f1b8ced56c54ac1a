package import ClientSupport
import CoreMetrics
import Metrics
package import QuartetCore

/// A worker's store operations, each a batcher over its port: tasks that run side by side share their writes.
package final class WorkerBatchers: Sendable {
    package let pages: Batcher<ReviewPageQuery, ReviewPage>
    package let pin: Batcher<AnalysisSession, PinnedSession>
    private let inserts: Batcher<SegmentWrite, SegmentOutcome>
    let pace: AnalysisPace
    private let replacements: Batcher<KeywordDetails, Void>
    private let reports: Batcher<ProgressReport, Void>
    private let running: Batcher<Progress, Void>
    private let runningEffort = BestEffort()
    package let finalise: Batcher<Finalisation, FinaliseOutcome>
    package let fail: Batcher<RequestFailure, CloseOutcome>
    private let acknowledgements: Batcher<Lease, Bool>
    private let releases: Batcher<TaskRelease, Bool>
    private let burials: Batcher<TaskBurial, Bool>
    private let willEnd: @Sendable (Lease) -> Void

    /// - Parameter willEnd: told of each lease before its end is written. From then on nobody need renew it, and its being
    ///   gone is no loss.
    package init(
        ports: WorkerPorts, configuration: WorkerConfiguration, observe: (@Sendable (BatchReport) -> Void)? = nil,
        willEnd: @escaping @Sendable (Lease) -> Void
    ) {
        self.willEnd = willEnd
        pace = AnalysisPace(
            timePerSegment: configuration.timePerSegment, expected: ports.analyzer.expectedTimePerReview)
        let items = configuration.itemsPerBatchMax
        let limits = (batchSizeMax: items, waitingMax: WorkerConfiguration.tasksAtMost * 4)
        func batcher<Item, Output>(
            _ name: String, _ perform: @escaping @Sendable ([Item]) async throws -> [Output]
        ) -> Batcher<Item, Output> {
            Batcher(
                name: name,
                limits: .init(batchSizeMax: limits.batchSizeMax, waitingMax: limits.waitingMax),
                observe: observe
            ) { try await perform($0).map { .success($0) } }
        }
        pages = batcher("reviews.read", ports.reviews.pages)
        pin = batcher("session.pin", ports.sessions.pin)
        inserts = Batcher(
            name: "cards.insert",
            limits: .init(batchSizeMax: configuration.cardsPerBatchMax, waitingMax: limits.waitingMax),
            weigh: { $0.segment.cards.count },
            observe: observe,
            perform: { try await Self.insert($0, ports).map { .success($0) } })
        replacements = batcher("keywords.replace") { details in
            try await Self.store(details, replacing: true, ports).map { _ in () }
        }
        reports = batcher("progress.report") { reports in
            try await ports.progress.report(reports.map(\.progress), invalidating: reports.flatMap(\.invalidating))
            return reports.map { _ in () }
        }
        // Batches of their own: an end is not to wait behind them.
        running = batcher("progress.running") { reports in
            try await ports.progress.report(reports, invalidating: [])
            return reports.map { _ in () }
        }
        finalise = batcher("request.finalise", ports.requests.finalise)
        fail = batcher("request.fail", ports.requests.fail)
        acknowledgements = batcher("task.acknowledge") {
            RoleMetrics.countingStale(try await ports.queue.acknowledge($0), "acknowledge")
        }
        releases = batcher("task.release") { RoleMetrics.countingStale(try await ports.queue.release($0), "release") }
        burials = batcher("task.bury") { RoleMetrics.countingStale(try await ports.queue.bury($0), "bury") }
    }
}

/// A segment, and with a request's last one the details of its keywords.
struct SegmentWrite: Sendable {
    let segment: CardSegment
    let details: KeywordDetails?
}

struct SegmentOutcome: Sendable {
    let isNew: Bool
    /// See ``InsertedSegments``.
    let term: WriteTerm?
    /// Whether the details that came along are the stored ones.
    let areDetailsNew: Bool
}

/// Progress, and what the cache must not show any more to those who hear of it.
private struct ProgressReport: Sendable {
    let progress: Progress
    let invalidating: [CacheInvalidation]
}

extension WorkerBatchers {
    package func report(_ progress: Progress, invalidating: [CacheInvalidation] = []) async throws {
        if progress.phase == .running, invalidating.isEmpty {
            return try await runningEffort { [running] in try await running(progress) }
        }
        try await reports(ProgressReport(progress: progress, invalidating: invalidating))
    }

    /// Stores a segment of cards, and `details` beside it, which costs no round trip of its own. Another attempt's details
    /// stay, because it may be that attempt's cards that stay.
    func insert(_ segment: CardSegment, with details: KeywordDetails?) async throws -> SegmentOutcome {
        try await inserts(SegmentWrite(segment: segment, details: details))
    }

    private static func insert(_ writes: [SegmentWrite], _ ports: WorkerPorts) async throws -> [SegmentOutcome] {
        let details = writes.compactMap(\.details)
        async let areNew = store(details, replacing: false, ports)
        let inserted = try await ports.cards.insert(writes.map(\.segment))
        var newDetails = try await areNew[...]
        return zip(writes, inserted.isNew).map { write, isNew in
            SegmentOutcome(
                isNew: isNew, term: inserted.term,
                areDetailsNew: write.details != nil && newDetails.popFirst() == true)
        }
    }

    /// Returns which of these details are the stored ones.
    private static func store(
        _ details: [KeywordDetails], replacing: Bool, _ ports: WorkerPorts
    ) async throws -> [Bool] {
        guard !details.isEmpty else { return [] }
        var areStored = details.map { _ in true }
        if replacing {
            try await ports.keywords.replace(details)
        } else {
            areStored = try await ports.keywords.insert(details)
        }
        Failpoint.keywordsStored.reached()
        return areStored
    }

    /// Stores details in place of whatever is there: once all cards are stored, every attempt has the same.
    func replaceKeywords(_ details: KeywordDetails) async throws {
        try await replacements(details)
    }

    /// Whether results are stored by many at once.
    var isBusy: Bool { finalise.pending >= Self.busyFrom }
    private static let busyFrom = 16

    /// Ends a lease and its task; returns whether the lease held.
    package func acknowledge(_ lease: Lease) async throws -> Bool {
        willEnd(lease)
        return try await acknowledgements(lease)
    }

    /// Ends a lease and lets others have the task; returns whether the lease held.
    package func release(_ release: TaskRelease) async throws -> Bool {
        willEnd(release.lease)
        return try await releases(release)
    }

    /// Ends a lease and its task, which stays as a dead one; returns whether the lease held.
    package func bury(_ burial: TaskBurial) async throws -> Bool {
        willEnd(burial.lease)
        return try await burials(burial)
    }
}
