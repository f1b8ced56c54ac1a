import StoreKit

/// The way to a request's session: the product's first reviews are read, and the manifest is pinned.
///
/// It needs no lease, because the first session of a request stays, whoever pins it; so it may begin before the task is
/// claimed. It runs no analyser: what kills a worker must meet a claim that counts.
package struct SessionOpening: Sendable {
    private struct HeadStart {
        let page: Task<ReviewPage, any Error>
        let pinned: Task<PinnedSession, any Error>
    }

    private let task: AnalysisTask
    private let ports: WorkerPorts
    private let steps: WorkerSteps
    private let configuration: WorkerConfiguration
    private var headStart: HeadStart?

    package init(task: AnalysisTask, ports: WorkerPorts, steps: WorkerSteps, configuration: WorkerConfiguration) {
        self.task = task
        self.ports = ports
        self.steps = steps
        self.configuration = configuration
    }

    /// The same, already on its way.
    package func begun() -> SessionOpening {
        let page = Task { try await readPage() }
        var begun = self
        let pinned = Task {
            let pinned = try await pin(try await page.value)
            Failpoint.sessionForeseen.reached()
            return pinned
        }
        begun.headStart = HeadStart(page: page, pinned: pinned)
        return begun
    }

    /// The product's first reviews, as many as a chunk has.
    ///
    /// - Throws: a store's error, or `AnalysisError.noReviews`.
    func page() async throws -> ReviewPage {
        if let headStart { try await headStart.page.value } else { try await readPage() }
    }

    /// The session that is stored: one whose manifest begins with `page`, or an earlier attempt's.
    func pinned(_ page: ReviewPage) async throws -> PinnedSession {
        if let headStart { try await headStart.pinned.value } else { try await pin(page) }
    }

    private func readPage() async throws -> ReviewPage {
        let page = try await steps.pages(
            ReviewPageQuery(productID: task.productID, limit: configuration.reviewsPerChunk))
        guard !page.reviews.isEmpty else { throw AnalysisError.noReviews(task.productID) }
        return page
    }

    private func pin(_ page: ReviewPage) async throws -> PinnedSession {
        var manifest = page.reviews.map(\.id)
        if page.hasMore { try await extend(&manifest) }
        return try await steps.pin(
            AnalysisSession(
                requestID: task.requestID, productID: task.productID, manifest: manifest,
                analyzer: ports.analyzer.identity))
    }

    private func extend(_ manifest: inout [String]) async throws {
        while manifest.count < configuration.reviewsPerAnalysisMax {
            let limit = min(10_000, configuration.reviewsPerAnalysisMax - manifest.count)
            let more = try await ports.reviews.reviewIDs(of: task.productID, after: manifest.last, limit: limit)
            manifest += more
            if more.count < limit { return }
        }
    }
}
