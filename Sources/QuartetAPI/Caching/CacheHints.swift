import ClientSupport
import QuartetCore
import QuartetHTTP
import Synchronization

/// Leaves tombstones before anybody is told of a change: what was announced is what is read. Only a hint, since the cache may
/// be away: the events say it for certain.
///
/// A server or a process that is merely slow is waited for: another copy may read an old entry there while this one is held up.
/// One that is away costs the first few callers that wait, the others next to none. What was not said in time is said beside.
final class CacheHints: Sendable {
    private static let failuresMax = 3
    private static let saidLaterMax = 1_000
    private static let pauseMax = Duration.milliseconds(50)

    private let cache: any VersionedCache
    private let calls: RequestBatchers
    private let directory: ProductDirectory
    private let configuration: CacheReadConfiguration
    private let failuresInRow = Atomic(0)
    private let saidLater = Atomic(0)

    init(
        cache: any VersionedCache, calls: RequestBatchers, directory: ProductDirectory,
        configuration: CacheReadConfiguration
    ) {
        self.cache = cache
        self.calls = calls
        self.directory = directory
        self.configuration = configuration
    }

    func changed(_ product: Product) async {
        await send([.entry(.product(product.id), version: product.version), .tag(.products)])
    }

    /// What services say that they have changed.
    func changed(_ changes: [ResourceChange]) async {
        let products = changes.filter { $0.resource == "products" }
        guard !products.isEmpty else { return }
        await send(
            products.map { .entry(.product(ProductID(stored: $0.id)), version: $0.version) } + [.tag(.products)])
    }

    /// The worker that completed it may have died before it could say so, or not have come to it yet. Once in this process.
    func willTellEnd(of request: AnalysisRequest) async throws {
        guard request.status == .completed, !directory.knows(.hintGiven(request.id)),
            let result = try await calls.result(request.id)
        else { return }
        await willTell(result)
    }

    func willTell(_ result: StoredResult) async {
        guard !directory.knows(.hintGiven(result.requestID)) else { return }
        await send([.entry(.analysis(result.productID), version: result.version)])
        directory.learn(.hintGiven(result.requestID))
    }

    private func send(_ invalidations: [CacheInvalidation]) async {
        let isAway = failuresInRow.load(ordering: .relaxed) >= Self.failuresMax
        do {
            let timeout = isAway ? configuration.hintTimeoutWhileAway : configuration.hintTimeout
            try await tell(invalidations, by: .after(timeout))
            failuresInRow.store(0, ordering: .relaxed)
        } catch {
            if !(error is CancellationError) { failuresInRow.wrappingAdd(1, ordering: .relaxed) }
            sayLater(invalidations)
        }
    }

    /// Tries until `deadline`: when a server has just come back, others may reach it before this process does.
    private func tell(_ invalidations: [CacheInvalidation], by deadline: Deadline) async throws {
        var pause = Duration.milliseconds(2)
        while true {
            do {
                try await cache.invalidate(invalidations, deadline: deadline)
                return Failpoint.cacheHinted.reached()
            } catch {
                if error is CancellationError || deadline.isPast { throw error }
                try await ContinuousClock().sleep(until: min(deadline, .after(pause)).instant)
                pause = min(pause * 2, Self.pauseMax)
            }
        }
    }

    /// Until the events will have said it.
    private func sayLater(_ invalidations: [CacheInvalidation]) {
        for invalidation in invalidations { CacheMetrics.count(.lateHints, invalidation) }
        guard saidLater.wrappingAdd(1, ordering: .relaxed).newValue <= Self.saidLaterMax else {
            saidLater.wrappingSubtract(1, ordering: .relaxed)
            return
        }
        Task { [self] in
            defer { saidLater.wrappingSubtract(1, ordering: .relaxed) }
            try? await tell(invalidations, by: .after(configuration.delayMax))
        }
    }
}
