/// Folds segments of cards that come in key order, each request's against its result and its keyword details.
package struct CardWalk: Sendable {
    /// What did not agree.
    package struct Disagreement: Sendable, Hashable {
        package let id: RequestID
        package let kind: FindingKind
        /// How many cards there are under that id; 0 where none were looked at.
        package let cardCount: Int

        package init(id: RequestID, kind: FindingKind, cardCount: Int) {
            self.id = id
            self.kind = kind
            self.cardCount = cardCount
        }
    }

    private struct Group {
        let id: RequestID
        var count = 0
        var isDamaged = false
        var fold: Fold?
    }

    private let requests: [RequestID]
    private let results: [ResultDocument]
    private let details: StretchDetails
    private let isWanted: @Sendable (RequestID) -> Bool
    private var nextRequest = 0
    private var nextResult = 0
    private var nextDetails = 0
    private var group: Group?
    private var found: [Disagreement] = []
    package private(set) var cards = 0
    package private(set) var folded = 0

    /// - Parameters:
    ///   - requests: every request of the stretch, in key order.
    ///   - results: the results that are judged, in key order.
    ///   - isWanted: whether a card, or keyword details, without a request are reported.
    package init(
        requests: [RequestID], results: [ResultDocument], details: StretchDetails,
        isWanted: @escaping @Sendable (RequestID) -> Bool
    ) {
        self.requests = requests
        self.results = results
        self.details = details
        self.isWanted = isWanted
    }

    package mutating func add(_ chunk: [CardSegment]) {
        for segment in chunk {
            if group?.id != segment.requestID {
                endGroup()
                beginGroup(segment.requestID)
            }
            cards += segment.cards.count
            group?.count += max(1, segment.cards.count)
            if segment.isDamaged { group?.isDamaged = true }
            for card in segment.cards { group?.fold?.add(card) }
        }
    }

    /// What did not agree, when there are no more cards.
    package mutating func finish() -> [Disagreement] {
        endGroup()
        while nextResult < results.count { judgeWithoutCards() }
        nextRequest = 0
        for id in details.keys where !hasRequest(id) && isWanted(id) {
            found.append(Disagreement(id: id, kind: .keywordsOrphaned, cardCount: 0))
        }
        return found
    }

    private mutating func beginGroup(_ id: RequestID) {
        while nextResult < results.count, results[nextResult].id < id { judgeWithoutCards() }
        let isJudged = nextResult < results.count && results[nextResult].id == id
        group = Group(id: id, fold: isJudged ? Fold(session: results[nextResult].session) : nil)
    }

    private mutating func endGroup() {
        guard let group = group.take() else { return }
        if let fold = group.fold {
            judge(fold, isDamaged: group.isDamaged)
        } else if !hasRequest(group.id), isWanted(group.id) {
            found.append(Disagreement(id: group.id, kind: .cardsOrphaned, cardCount: group.count))
        }
    }

    private mutating func judgeWithoutCards() {
        judge(Fold(session: results[nextResult].session))
    }

    private mutating func judge(_ fold: Fold, isDamaged: Bool = false) {
        let (result, words) = fold.resultAndKeywordDetails()
        let stored = results[nextResult]
        if let kind = isDamaged ? .foldCount : stored.disagreement(with: result) {
            found.append(Disagreement(id: result.requestID, kind: kind, cardCount: result.cardCount))
        }
        if let kind = KeywordDetails.disagreement(
            of: storedDetails(result.requestID), with: words, foldVersion: stored.foldVersion)
        {
            found.append(Disagreement(id: result.requestID, kind: kind, cardCount: result.cardCount))
        }
        nextResult += 1
        folded += 1
    }

    private mutating func storedDetails(_ id: RequestID) -> KeywordDetails? {
        let stored = details.ofResults
        while nextDetails < stored.count, stored[nextDetails].requestID < id { nextDetails += 1 }
        guard nextDetails < stored.count, stored[nextDetails].requestID == id else { return nil }
        return stored[nextDetails]
    }

    private mutating func hasRequest(_ id: RequestID) -> Bool {
        while nextRequest < requests.count, requests[nextRequest] < id { nextRequest += 1 }
        return nextRequest < requests.count && requests[nextRequest] == id
    }
}

/// The keyword details of a stretch, in key order.
package struct StretchDetails: Sendable {
    /// At least those of the results that are judged.
    package let ofResults: [KeywordDetails]
    /// Of all there are, where those without a request are looked for.
    package let keys: [RequestID]

    package init(ofResults: [KeywordDetails], keys: [RequestID]) {
        self.ofResults = ofResults
        self.keys = keys
    }
}

extension ResultDocument {
    /// As much of the session as a fold takes over into its result.
    var session: AnalysisSession {
        AnalysisSession(requestID: id, productID: productID, manifest: [], analyzer: analyzer)
    }
}
