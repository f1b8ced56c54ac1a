package import ClientSupport
import CoreMetrics
import Metrics
package import QuartetCore

/// A worker's store operations, each a batcher over its port: tasks that run side by side share their writes.
package struct WorkerBatchers: Sendable {
    package let pages: Batcher<ReviewPageQuery, ReviewPage>
    package let pin: Batcher<AnalysisSession, PinnedSession>
    package let insert: Batcher<CardSegment, InsertedSegments>
    let pace: AnalysisPace
    private let insertKeywords: Batcher<KeywordDetails, Bool>
    private let replaceKeywords: Batcher<KeywordDetails, Void>
    package let report: Batcher<Progress, Void>
    package let finalise: Batcher<Finalisation, CloseOutcome>
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
        let limits = (batchSizeMax: items, waitingMax: configuration.tasksMax * 4)
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
        insert = Batcher(
            name: "cards.insert",
            limits: .init(batchSizeMax: configuration.cardsPerBatchMax, waitingMax: limits.waitingMax),
            weigh: \.cards.count,
            observe: observe
        ) { segments in
            let inserted = try await ports.cards.insert(segments)
            return inserted.isNew.map { .success(InsertedSegments(isNew: [$0], term: inserted.term)) }
        }
        insertKeywords = batcher("keywords.insert", ports.keywords.insert)
        replaceKeywords = batcher("keywords.replace") { details in
            try await ports.keywords.replace(details)
            return details.map { _ in () }
        }
        report = Batcher(
            name: "progress.report",
            limits: .init(batchSizeMax: limits.batchSizeMax, waitingMax: limits.waitingMax),
            observe: observe
        ) { progress in
            try await ports.progress.report(progress)
            return progress.map { _ in .success(()) }
        }
        finalise = batcher("request.finalise", ports.requests.finalise)
        fail = batcher("request.fail", ports.requests.fail)
        acknowledgements = batcher("task.acknowledge") {
            Self.counted(try await ports.queue.acknowledge($0), "acknowledge")
        }
        releases = batcher("task.release") { Self.counted(try await ports.queue.release($0), "release") }
        burials = batcher("task.bury") { Self.counted(try await ports.queue.bury($0), "bury") }
    }
}

extension WorkerBatchers {
    /// Stores details, in place of those of another attempt where `replacing`; returns whether these are the stored ones.
    package func storeKeywords(_ details: KeywordDetails, replacing: Bool) async throws -> Bool {
        guard replacing else { return try await insertKeywords(details) }
        try await replaceKeywords(details)
        return true
    }

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

    /// Counts the leases that changed nothing, because the tasks had gone to others or had been taken away.
    private static func counted(_ held: [Bool], _ operation: String) -> [Bool] {
        let stale = held.count { !$0 }
        if stale > 0 {
            Counter(label: "quartet_stale_leases_total", dimensions: [("operation", operation)]).increment(by: stale)
        }
        return held
    }
}
