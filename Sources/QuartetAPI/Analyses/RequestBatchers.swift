import ClientSupport
import QuartetCore

/// The reads and writes behind the analysis endpoints, each a batcher over its port.
struct RequestBatchers: Sendable {
    let submit: Batcher<Submission, SubmitOutcome>
    let cancel: Batcher<RequestID, ChangeOutcome>
    let drop: Batcher<RequestID, ChangeOutcome>
    let retry: Batcher<RequestID, ChangeOutcome>
    let request: Batcher<RequestID, AnalysisRequest?>
    let result: Batcher<RequestID, StoredResult?>
    let latest: Batcher<ProductID, StoredResult?>
    let progress: Batcher<RequestID, Progress?>
    let product: Batcher<ProductID, Product?>
    let cards: Batcher<CardPlace, CardPage>
    let haveReviews: Batcher<ProductID, Bool>

    init(ports: APIPorts, configuration: APIConfiguration, observe: (@Sendable (BatchReport) -> Void)?) {
        func batcher<Item, Output>(
            _ name: String, size: Int = 512, inFlightMax: Int = 1,
            _ perform: @escaping @Sendable ([Item]) async throws -> [Output]
        ) -> Batcher<Item, Output> {
            Batcher(
                name: name,
                limits: .init(
                    batchSizeMax: size, waitingMax: configuration.waitingMax, inFlightMax: inFlightMax),
                observe: observe
            ) { try await perform($0).map { .success($0) } }
        }
        submit = batcher("request.submit", size: configuration.submitsPerBatchMax, ports.requests.submit)
        // People ask for these, and what one of them waits for is no reason for the others to wait.
        cancel = batcher("request.cancel", inFlightMax: 4, ports.requests.cancel)
        drop = batcher("request.drop", inFlightMax: 4, ports.requests.drop)
        retry = batcher("request.retry", inFlightMax: 4, ports.requests.retry)
        request = batcher("request.read", ports.requests.requests)
        result = batcher("result.read", size: 64, ports.requests.results)
        latest = batcher("result.latest", size: 64, ports.requests.latestResults)
        progress = batcher("progress.read", ports.progress.read)
        product = batcher("product.read", ports.products.products)
        // A page has some 64 KB or two of these.
        cards = batcher("cards.read", size: 64, inFlightMax: 2, ports.cards.pages)
        haveReviews = batcher("reviews.exist", ports.reviews.haveReviews)
    }
}
