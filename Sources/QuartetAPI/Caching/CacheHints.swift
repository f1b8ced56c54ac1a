import ClientSupport
import QuartetCore
import QuartetHTTP

/// Leaves tombstones before anybody is told of a change: what was announced is what is read. Only a hint, since the cache may
/// be away: the events say it for certain.
struct CacheHints: Sendable {
    let cache: any VersionedCache
    let calls: RequestBatchers
    let directory: ProductDirectory
    let timeout: Duration

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
        try? await cache.invalidate(invalidations, deadline: .after(timeout))
        Failpoint.cacheHinted.reached()
    }
}
