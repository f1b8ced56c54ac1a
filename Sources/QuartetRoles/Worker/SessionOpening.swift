import ClientSupport
package import QuartetCore

/// The way to a request's session: the product's first reviews are read, and the manifest is pinned.
///
/// Reading needs no lease and changes nothing, so it may begin before the task is claimed. Pinning must not: a session says
/// whose analyser makes its cards.
package struct SessionOpening: Sendable {
    private let task: AnalysisTask
    private let ports: WorkerPorts
    private let steps: WorkerBatchers
    private let configuration: WorkerConfiguration
    private var headStart: Task<ReviewPage, any Error>?

    package init(task: AnalysisTask, ports: WorkerPorts, steps: WorkerBatchers, configuration: WorkerConfiguration) {
        self.task = task
        self.ports = ports
        self.steps = steps
        self.configuration = configuration
    }

    /// The same, with its reviews on their way already.
    package func begun() -> SessionOpening {
        var begun = self
        begun.headStart = Task { try await read() }
        return begun
    }

    /// The product's first reviews.
    ///
    /// - Throws: a store's error, or `AnalysisError.noReviews`.
    func page() async throws -> ReviewPage {
        var page = try? await headStart?.value
        if page == nil { page = try await read() }
        guard let page, !page.reviews.isEmpty else { throw AnalysisError.noReviews(task.productID) }
        return page
    }

    /// The session that is stored: one whose manifest begins with `page`, or an earlier attempt's.
    func pinned(_ page: ReviewPage) async throws -> PinnedSession {
        var manifest = page.reviews.map(\.id)
        if page.hasMore { try await extend(&manifest) }
        let pinned = try await steps.pin(
            AnalysisSession(
                requestID: task.requestID, productID: task.productID, manifest: manifest,
                analyzer: ports.analyzer.identity))
        Failpoint.sessionPinned.reached()
        return pinned
    }

    private func read() async throws -> ReviewPage {
        let limit = min(configuration.reviewsPerChunk, WorkerConfiguration.reviewsAtOpening)
        return try await steps.pages(ReviewPageQuery(productID: task.productID, limit: limit))
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
