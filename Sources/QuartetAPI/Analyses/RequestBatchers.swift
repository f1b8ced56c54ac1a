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
    /// For watchers who come late: however many there are, few reads are on the way, and who wants the same cards shares one.
    let earlierCards: Batcher<CardRange, [EmotionCard]>
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
        earlierCards = Batcher(
            name: "cards.earlier",
            // Few together: they are answered together, and one after the other is read.
            limits: .init(
                batchSizeMax: 32, waitingMax: max(configuration.waitingMax, configuration.watchersMax), inFlightMax: 4),
            observe: observe
        ) { await Self.read($0, ports.cards) }
        haveReviews = batcher("reviews.exist", ports.reviews.haveReviews)
    }

    /// Each range once; one that can't be read fails alone.
    private static func read(
        _ ranges: [CardRange], _ store: any CardStore
    ) async -> [Result<[EmotionCard], any Error>] {
        var read: [CardRange: Result<[EmotionCard], any Error>] = [:]
        var results: [Result<[EmotionCard], any Error>] = []
        for range in ranges {
            let cards: Result<[EmotionCard], any Error>
            if let known = read[range] { cards = known } else { cards = await range.cards(in: store) }
            read[range] = cards
            results.append(cards)
        }
        return results
    }
}

/// Up to `limit` of a request's cards behind the ordinal `after`.
struct CardRange: Sendable, Hashable {
    let requestID: RequestID
    let after: Int
    let limit: Int

    fileprivate func cards(in store: any CardStore) async -> Result<[EmotionCard], any Error> {
        do {
            return .success(try await store.cards(of: requestID, after: after, limit: limit))
        } catch {
            return .failure(error)
        }
    }
}
