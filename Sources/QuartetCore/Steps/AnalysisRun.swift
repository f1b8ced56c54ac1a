package import Logging
import StoreKit

/// One attempt at one claimed task: manifest, cards, result.
///
/// Every write is keyed, so the attempt may die anywhere and the next one goes on from what is stored; and an attempt
/// whose lease was taken over changes nothing that matters.
package struct AnalysisRun: Sendable {
    private let claim: Claim
    private let ports: WorkerPorts
    private let steps: WorkerSteps
    private let configuration: WorkerConfiguration
    private let logger: Logger

    package init(
        claim: Claim, ports: WorkerPorts, steps: WorkerSteps, configuration: WorkerConfiguration, logger: Logger
    ) {
        self.claim = claim
        self.ports = ports
        self.steps = steps
        self.configuration = configuration
        self.logger = logger
    }

    private var task: AnalysisTask { claim.task }

    /// Works until the request is closed.
    ///
    /// - Throws: a store's error, `CancellationError`, or `AnalysisError`.
    package func callAsFunction() async throws {
        let (session, firstReviews) = try await openSession()
        Failpoint.sessionPinned.reached()
        var fold = Fold(session: session)
        var missing = try await foldStoredCards(into: &fold, session: session)
        var detailsAreStored = false
        while let chunk = missing.popChunk(configuration.reviewsPerChunk) {
            try Task.checkCancellation()
            let stored = try await storeCards(chunk, session: session, firstReviews: firstReviews, fold: &fold)
            Failpoint.cardsStored.reached()
            detailsAreStored = stored.withDetails
            if !stored.taken.isEmpty { try await foldCards(stored.taken, into: &fold) }
            if !missing.isEmpty {
                await report(done: session.manifest.count - missing.count, total: session.manifest.count, .running)
                Failpoint.progressReported.reached()
            }
        }
        let result = fold.result()
        guard result.cardCount == session.manifest.count else {
            throw AnalysisError.cardsMissing(expected: session.manifest.count, found: result.cardCount)
        }
        if !detailsAreStored { _ = try await storeKeywords(fold.keywordDetails(), replacing: true) }
        try await close(with: result)
    }

    // MARK: Session

    /// The session that is stored, and the reviews that were read on the way to it, keyed by id.
    private func openSession() async throws -> (AnalysisSession, [String: Review]) {
        if claim.attempt > 1, let stored = try await ports.sessions.sessions([task.requestID])[0] {
            return (stored, [:])
        }
        let page = try await steps.pages(
            ReviewPageQuery(productID: task.productID, limit: configuration.reviewsPerChunk))
        guard !page.reviews.isEmpty else { throw AnalysisError.noReviews(task.productID) }
        var manifest = page.reviews.map(\.id)
        if page.hasMore { try await extend(&manifest) }
        let session = try await steps.pin(
            AnalysisSession(
                requestID: task.requestID, productID: task.productID, manifest: manifest,
                analyzer: ports.analyzer.identity))
        return (session, Dictionary(page.reviews.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first }))
    }

    private func extend(_ manifest: inout [String]) async throws {
        while manifest.count < configuration.reviewsPerAnalysisMax {
            let limit = min(10_000, configuration.reviewsPerAnalysisMax - manifest.count)
            let more = try await ports.reviews.reviewIDs(of: task.productID, after: manifest.last, limit: limit)
            manifest += more
            if more.count < limit { return }
        }
    }

    // MARK: Cards

    /// Folds what earlier attempts stored; returns the ordinals without a card.
    private func foldStoredCards(into fold: inout Fold, session: AnalysisSession) async throws -> Ordinals {
        var missing = Ordinals(count: session.manifest.count)
        guard claim.attempt > 1 || task.generation > 1 else { return missing }
        var after: Int?
        while true {
            let limit = configuration.cardsPerBatchMax
            let cards = try await ports.cards.cards(of: task.requestID, after: after, limit: limit)
            for card in cards {
                fold.add(card)
                missing.remove(card.ordinal)
            }
            guard cards.count == limit else { return missing }
            after = cards.last?.ordinal
        }
    }

    /// Analyses and stores the cards of `ordinals`, folding those that were stored by this call.
    ///
    /// - Returns: the ordinals whose cards were there already; and whether, beside the last cards, the keyword details of
    ///   all cards were stored.
    private func storeCards(
        _ ordinals: [Int], session: AnalysisSession, firstReviews: [String: Review], fold: inout Fold
    ) async throws -> (taken: [Int], withDetails: Bool) {
        let reviews = try await reviews(ordinals.map { session.manifest[$0] }, firstReviews: firstReviews)
        let readings = try await ports.analyzer.analyze(reviews)
        precondition(readings.count == reviews.count, "an analyser returns one result per review")
        let cards = try zip(ordinals, zip(reviews, readings)).map { ordinal, read in
            EmotionCard(
                requestID: task.requestID, ordinal: ordinal, reviewID: read.0.id, reading: try read.1.get())
        }
        let isLast = fold.cardCount + cards.count == session.manifest.count
        let whole = isLast ? fold.adding(cards) : nil
        async let withDetails = storeKeywords(whole?.keywordDetails(), replacing: false)
        let isNew = try await steps.insert(cards)
        if let whole, !isNew.contains(false) {
            fold = whole
            return ([], try await withDetails)
        }
        var taken: [Int] = []
        for (card, isNew) in zip(cards, isNew) {
            if isNew { fold.add(card) } else { taken.append(card.ordinal) }
        }
        _ = try await withDetails
        return (taken, false)
    }

    private func reviews(_ ids: [String], firstReviews: [String: Review]) async throws -> [Review] {
        let atHand = ids.compactMap { firstReviews[$0] }
        if atHand.count == ids.count { return atHand }
        let stored = try await ports.reviews.reviews(ids, of: task.productID)
        return try zip(ids, stored).map { id, review in
            guard let review else { throw AnalysisError.reviewGone(id) }
            return review
        }
    }

    /// Folds cards that another attempt stored meanwhile: the stored card counts, not this attempt's.
    private func foldCards(_ ordinals: [Int], into fold: inout Fold) async throws {
        guard let first = ordinals.first, let last = ordinals.last else { return }
        let wanted = Set(ordinals)
        let cards = try await ports.cards.cards(of: task.requestID, after: first - 1, limit: last - first + 1)
        for card in cards where wanted.contains(card.ordinal) { fold.add(card) }
    }

    // MARK: Keywords

    /// Stores the details of cards that are being stored at the same time, which costs no round trip of its own; another
    /// attempt's details stay, because it may be that attempt's cards that stay. Or, once all cards are stored and every
    /// attempt has the same details, stores them in place of whatever is there.
    ///
    /// - Returns: whether these details are the stored ones.
    private func storeKeywords(_ details: KeywordDetails?, replacing: Bool) async throws -> Bool {
        guard let details else { return false }
        var areStored = true
        if replacing {
            try await steps.replaceKeywords(details)
        } else {
            areStored = try await steps.insertKeywords(details)
        }
        Failpoint.keywordsStored.reached()
        return areStored
    }

    // MARK: Result

    private func close(with result: AnalysisResult) async throws {
        let outcome = try await steps.finalise(Finalisation(result: result))
        Failpoint.resultStored.reached()
        let phase: Progress.Phase
        switch outcome {
        case .closed, .alreadyClosed(.completed): phase = .completed
        case .alreadyClosed(.cancelled): phase = .cancelled
        case .alreadyClosed(.failed): phase = .failed
        case .alreadyClosed(.queued): preconditionFailure("a closed request is not queued")
        case .unknownRequest:
            logger.warning("task without a request removed", metadata: ["request": "\(task.requestID)"])
            phase = .cancelled
        }
        async let reported: Void = report(done: result.cardCount, total: result.cardCount, phase)
        _ = try await steps.acknowledge(claim.lease)
        Failpoint.taskAcknowledged.reached()
        await reported
    }

    /// Progress is a copy that watchers can do without: not being able to publish it does not fail the attempt.
    private func report(done: Int, total: Int, _ phase: Progress.Phase) async {
        do {
            try await steps.report(Progress(requestID: task.requestID, done: done, total: total, phase: phase))
        } catch {
            logger.debug("progress not published", metadata: ["request": "\(task.requestID)", "error": "\(error)"])
        }
    }
}

/// Why an attempt can't end well. The request's author reads the description.
package enum AnalysisError: Error, Hashable, CustomStringConvertible {
    case noReviews(ProductID)
    case reviewGone(String)
    case cardsMissing(expected: Int, found: Int)

    /// Another attempt would meet the same.
    package var isFinal: Bool {
        if case .noReviews = self { true } else { false }
    }

    package var description: String {
        switch self {
        case .noReviews(let product): "product \(product) has no reviews"
        case .reviewGone(let id): "review \(id) is no longer stored"
        case .cardsMissing(let expected, let found): "\(found) of \(expected) cards are stored"
        }
    }
}

/// The ordinals of a manifest that have no card yet, in order.
private struct Ordinals {
    private var isMissing: [Bool]
    private var next = 0
    private(set) var count: Int

    init(count: Int) {
        isMissing = Array(repeating: true, count: count)
        self.count = count
    }

    var isEmpty: Bool { count == 0 }

    mutating func remove(_ ordinal: Int) {
        guard isMissing.indices.contains(ordinal), isMissing[ordinal] else { return }
        isMissing[ordinal] = false
        count -= 1
    }

    /// The next `size` missing ordinals or fewer, nil when none is left.
    mutating func popChunk(_ size: Int) -> [Int]? {
        guard count > 0 else { return nil }
        var chunk: [Int] = []
        while chunk.count < size, next < isMissing.count {
            if isMissing[next] { chunk.append(next) }
            next += 1
        }
        count -= chunk.count
        return chunk
    }
}
