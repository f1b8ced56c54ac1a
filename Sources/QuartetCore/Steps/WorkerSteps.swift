import CoreMetrics
import Metrics
package import StoreKit

/// A worker's store operations, each a batcher over its port: tasks that run side by side share their writes.
package struct WorkerSteps: Sendable {
    package let pages: Batcher<ReviewPageQuery, ReviewPage>
    package let pin: Batcher<AnalysisSession, PinnedSession>
    package let insert: Batcher<[EmotionCard], InsertedCards>
    package let insertKeywords: Batcher<KeywordDetails, Bool>
    package let replaceKeywords: Batcher<KeywordDetails, Void>
    package let report: Batcher<Progress, Void>
    package let finalise: Batcher<Finalisation, CloseOutcome>
    package let fail: Batcher<RequestFailure, CloseOutcome>
    package let acknowledge: Batcher<Lease, Bool>
    package let release: Batcher<TaskRelease, Bool>
    package let bury: Batcher<TaskBurial, Bool>

    package init(
        ports: WorkerPorts, configuration: WorkerConfiguration, observe: (@Sendable (BatchReport) -> Void)? = nil
    ) {
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
            weigh: \.count,
            observe: observe
        ) { groups in
            let inserted = try await ports.cards.insert(groups.flatMap { $0 })
            var start = 0
            return groups.map { group in
                defer { start += group.count }
                let isNew = Array(inserted.isNew[start..<start + group.count])
                return .success(InsertedCards(isNew: isNew, term: inserted.term))
            }
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
        acknowledge = batcher("task.acknowledge") { Self.counted(try await ports.queue.acknowledge($0), "acknowledge") }
        release = batcher("task.release") { Self.counted(try await ports.queue.release($0), "release") }
        bury = batcher("task.bury") { Self.counted(try await ports.queue.bury($0), "bury") }
    }
}

extension WorkerSteps {
    /// Counts the leases that changed nothing, because the tasks had gone to others or had been taken away.
    private static func counted(_ held: [Bool], _ operation: String) -> [Bool] {
        let stale = held.count { !$0 }
        if stale > 0 {
            Counter(label: "quartet_stale_leases_total", dimensions: [("operation", operation)]).increment(by: stale)
        }
        return held
    }
}

/// The ports that a worker works with.
package struct WorkerPorts: Sendable {
    package let requests: any RequestStore
    package let queue: any TaskQueue
    package let reviews: any ReviewStore
    package let sessions: any SessionStore
    package let cards: any CardStore
    package let keywords: any KeywordStore
    package let progress: any ProgressBoard
    package let analyzer: any EmotionAnalyzer

    package init(
        requests: any RequestStore, queue: any TaskQueue, reviews: any ReviewStore, sessions: any SessionStore,
        cards: any CardStore, keywords: any KeywordStore, progress: any ProgressBoard, analyzer: any EmotionAnalyzer
    ) {
        self.requests = requests
        self.queue = queue
        self.reviews = reviews
        self.sessions = sessions
        self.cards = cards
        self.keywords = keywords
        self.progress = progress
        self.analyzer = analyzer
    }
}
