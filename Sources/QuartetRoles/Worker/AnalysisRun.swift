import ClientSupport
package import Logging
package import QuartetCore

/// One attempt at one claimed task: manifest, cards, result.
///
/// Every write is keyed, so the attempt may die anywhere and the next one goes on from what is stored; and an attempt
/// whose lease was taken over changes nothing that matters.
package final class AnalysisRun: Sendable {
    private let claim: Claim
    private let ports: WorkerPorts
    private let steps: WorkerBatchers
    private let configuration: WorkerConfiguration
    private let opening: SessionOpening
    private let logger: Logger

    /// - Parameter opening: of the task's session, where that is on its way already.
    package init(
        claim: Claim, ports: WorkerPorts, steps: WorkerBatchers, configuration: WorkerConfiguration,
        opening: SessionOpening? = nil, logger: Logger
    ) {
        self.claim = claim
        self.ports = ports
        self.steps = steps
        self.configuration = configuration
        self.opening =
            opening ?? SessionOpening(task: claim.task, ports: ports, steps: steps, configuration: configuration)
        self.logger = logger
    }

    private var task: AnalysisTask { claim.task }
    /// Earlier attempts may have left something.
    private var isResumed: Bool { claim.attempt > 1 || task.generation > 1 }

    /// Works until the request is closed.
    ///
    /// - Throws: a store's error, `CancellationError`, or `AnalysisError`.
    package func callAsFunction() async throws {
        let (pinned, readAlready) = try await openSession()
        var (session, term) = (pinned.session, pinned.term)
        var (fold, missing) = (Fold(session: session), Ordinals(count: session.manifest.count))
        if isResumed { (fold, missing) = try await foldStoredCards(of: session) }
        // Cards that follow one another and wait to be stored.
        var ready: ArraySlice<EmotionCard> = []
        // What was read on the way comes first, as it is.
        var isFirst = !readAlready.reviews.isEmpty
        var finalisation: Finalisation?
        var detailsAreStored = false
        while !ready.isEmpty || !missing.isEmpty {
            try Task.checkCancellation()
            if ready.isEmpty {
                let size = steps.pace.size(max: configuration.reviewsPerChunk)
                let run = missing.popRun(max: isFirst ? readAlready.reviews.count : size)
                isFirst = false
                ready = try await cards(run, session: session, readAlready: readAlready)[...]
            }
            let segment = CardSegment(Array(ready.prefix(CardSegment.length(of: ready))))
            ready = ready.dropFirst(segment.cards.count)
            // As if no other attempt had stored one there.
            for card in segment.cards { fold.add(card) }
            let folded = ready.isEmpty && missing.isEmpty ? fold.resultAndKeywordDetails() : nil
            let stored = try await steps.insert(segment, with: folded?.keywordDetails)
            Failpoint.cardsStored.reached()
            finalisation = folded.map { Finalisation(result: $0.result) }
            detailsAreStored = stored.areDetailsNew
            // A session that was not durable may have been lost with the server that took it.
            let isPinned = term == nil || term == stored.term
            if !isPinned {
                session = try await pinAgain(session)
            }
            term = nil
            if !isPinned || !stored.isNew {
                // The stored session and cards count, not this attempt's.
                (fold, missing) = try await foldStoredCards(of: session)
                (ready, finalisation, detailsAreStored) = ([], nil, false)
            }
            let left = missing.count + ready.count
            if left > 0 {
                await report(done: session.manifest.count - left, total: session.manifest.count, .running)
            }
        }
        if term != nil {
            // No write of this attempt has told yet whether the session stayed: all cards were there before.
            guard try await pinAgain(session) == session else { throw AnalysisError.sessionLost }
        }
        try await close(
            with: finalisation ?? Finalisation(result: fold.result()),
            details: detailsAreStored ? nil : fold.keywordDetails(), of: session)
    }

    /// The session that is stored, and the reviews of its first chunk where they were read on the way to it.
    private func openSession() async throws -> (PinnedSession, ReadReviews) {
        if isResumed, let stored = try await ports.sessions.sessions([task.requestID])[0] {
            return (PinnedSession(session: stored), ReadReviews())
        }
        let page = try await opening.page()
        async let pinned = opening.pinned(page)
        let read = try await read(Array(page.reviews.prefix(steps.pace.size(max: configuration.reviewsPerChunk))))
        return (try await pinned, read)
    }

    /// Durably: nobody asks again whether this one stayed. Returns the one that is stored.
    private func pinAgain(_ session: AnalysisSession) async throws -> AnalysisSession {
        let stored = try await ports.sessions.pinDurably([session])[0]
        Failpoint.sessionPinnedAgain.reached()
        return stored
    }

    // MARK: Cards

    /// Reviews, and in the same places what was read in them.
    private struct ReadReviews {
        var reviews: [Review] = []
        var readings: [Result<EmotionReading, AnalyzerError>] = []
    }

    /// The fold of what is stored, and the ordinals without a card, which no stored segment lies between.
    ///
    /// Cards of another manifest give way: of one that was lost before it was durable, by an attempt that had not seen it yet.
    private func foldStoredCards(of session: AnalysisSession) async throws -> (Fold, Ordinals) {
        while true {
            try Task.checkCancellation()
            var fold = Fold(session: session)
            var missing = Ordinals(count: session.manifest.count)
            var misfits: [CardSegment] = []
            try await ports.cards.forEachSegment(of: task.requestID, cardsPerRead: configuration.cardsPerBatchMax) {
                guard $0.fits(session) else { return misfits.append($0) }
                for card in $0.cards {
                    fold.add(card)
                    missing.remove(card.ordinal)
                }
            }
            // What has no ordinal can't be in the way.
            misfits.removeAll { $0.first < 0 }
            guard !misfits.isEmpty else { return (fold, missing) }
            for misfit in misfits { try await replace(misfit, session: session) }
        }
    }

    /// Puts cards of the session's reviews in the place of others, as many: so the chain keeps its keys, and who comes late
    /// meets them.
    private func replace(_ misfit: CardSegment, session: AnalysisSession) async throws {
        let ordinals = misfit.first..<max(misfit.first, min(misfit.end, session.manifest.count))
        let cards = ordinals.isEmpty ? [] : try await cards(Array(ordinals), session: session)
        try await ports.cards.replace([(stored: misfit, by: cards.isEmpty ? nil : CardSegment(cards))])
        Failpoint.misfitsReplaced.reached()
    }

    /// The cards of these ordinals, which need not be stored yet.
    ///
    /// - Parameter readAlready: the first reviews of the manifest, unless it is another attempt's.
    private func cards(
        _ ordinals: [Int], session: AnalysisSession, readAlready: ReadReviews = ReadReviews()
    ) async throws -> [EmotionCard] {
        let areRead = ordinals.allSatisfy {
            readAlready.reviews.indices.contains($0) && readAlready.reviews[$0].id == session.manifest[$0]
        }
        let read = areRead ? readAlready : try await read(reviews(ordinals.map { session.manifest[$0] }))
        return try ordinals.enumerated().map { place, ordinal in
            let index = areRead ? ordinal : place
            return EmotionCard(
                requestID: task.requestID, ordinal: ordinal, reviewID: read.reviews[index].id,
                month: read.reviews[index].date.flatMap(ReviewMonth.init), reading: try read.readings[index].get())
        }
    }

    private func reviews(_ ids: [String]) async throws -> [Review] {
        let stored = try await ports.reviews.reviews(ids, of: task.productID)
        return try zip(ids, stored).map { id, review in
            guard let review else { throw AnalysisError.reviewGone(id) }
            return review
        }
    }

    private func read(_ reviews: [Review]) async throws -> ReadReviews {
        let begun = ContinuousClock.now
        let readings = try await ports.analyzer.analyze(reviews)
        steps.pace.took(begun.duration(to: .now), reviews: reviews.count)
        precondition(readings.count == reviews.count, "an analyser returns one result per review")
        return ReadReviews(reviews: reviews, readings: readings)
    }

    // MARK: Result

    /// - Parameter details: the keyword details where they are not stored yet.
    private func close(
        with finalisation: Finalisation, details: KeywordDetails?, of session: AnalysisSession
    ) async throws {
        let (count, total) = (finalisation.result.cardCount, session.manifest.count)
        guard count == total else { throw AnalysisError.cardsMissing(expected: total, found: count) }
        if let details { try await steps.replaceKeywords(details) }
        // One that was cancelled, and asked for again before that could be seen, is open once more: the result is as good
        // for that.
        var outcome = try await finaliseTellingOfCards(finalisation, count)
        if case .alreadyClosed(.queued) = outcome.close { outcome = try await finalise(finalisation) }
        let phase: Progress.Phase
        switch outcome.close {
        case .closed, .alreadyClosed(.completed): phase = .completed
        case .alreadyClosed(.cancelled): phase = .cancelled
        case .alreadyClosed(.failed): phase = .failed
        case .alreadyClosed(.queued): throw AnalysisError.reopened
        case .unknownRequest:
            logger.warning("task without a request removed", metadata: ["request": "\(task.requestID)"])
            phase = .cancelled
        }
        // Somebody may wait for the end; nobody waits for the queue.
        let stale = phase == .completed ? await staleEntries(after: outcome) : []
        await report(done: count, total: total, phase, invalidating: stale)
        try await settle(hadFailed: phase == .failed)
    }

    /// Watchers get the last cards while the result is stored, unless many are at once: then both come soon together.
    private func finaliseTellingOfCards(_ finalisation: Finalisation, _ count: Int) async throws -> FinaliseOutcome {
        if steps.isBusy, count <= CardSegment.cardsMax { return try await finalise(finalisation) }
        async let told: Void = report(done: count, total: count, .running)
        let outcome = try await finalise(finalisation)
        await told
        return outcome
    }

    /// What whoever hears of the end must not be shown any more.
    private func staleEntries(after outcome: FinaliseOutcome) async -> [CacheInvalidation] {
        var version = outcome.resultVersion
        // Another attempt stored it, and may have died before it could say so.
        if version == nil { version = try? await ports.requests.results([task.requestID])[0]?.version }
        return version.map { [.entry(.analysis(task.productID), version: $0)] } ?? []
    }

    private func finalise(_ finalisation: Finalisation) async throws -> FinaliseOutcome {
        let outcome = try await steps.finalise(finalisation)
        Failpoint.resultStored.reached()
        return outcome
    }

    /// Takes the task out of the queue; leaves a dead one where the request was failed by an attempt that died before it could
    /// say so to the queue.
    private func settle(hadFailed: Bool) async throws {
        let burial = TaskBurial(lease: claim.lease, error: "the request had failed already")
        _ = hadFailed ? try await steps.bury(burial) : try await steps.acknowledge(claim.lease)
        Failpoint.taskAcknowledged.reached()
    }

    /// Progress is a copy that watchers can do without: not being able to publish it does not fail the attempt.
    private func report(
        done: Int, total: Int, _ phase: Progress.Phase, invalidating: [CacheInvalidation] = []
    ) async {
        do {
            try await steps.report(
                Progress(
                    requestID: task.requestID, generation: task.generation, done: done, total: total, phase: phase),
                invalidating: invalidating)
            Failpoint.progressReported.reached()
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
    case reopened
    case sessionLost

    /// Another attempt would meet the same.
    package var isFinal: Bool {
        if case .noReviews = self { true } else { false }
    }

    package var description: String {
        switch self {
        case .noReviews(let product): "product \(product) has no reviews"
        case .reviewGone(let id): "review \(id) is no longer stored"
        case .cardsMissing(let expected, let found): "\(found) of \(expected) cards are stored"
        case .sessionLost: "another attempt pinned other reviews meanwhile"
        case .reopened: "the request was cancelled and asked for again while its result was stored"
        }
    }
}
