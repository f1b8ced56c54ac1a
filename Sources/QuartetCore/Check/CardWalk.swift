/// Folds cards that come in key order, each request's against its result.
package struct CardWalk: Sendable {
    /// What did not agree.
    package struct Disagreement: Sendable, Hashable {
        package let id: RequestID
        package let kind: FindingKind
        /// Of cards without a request: how many there are.
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
        var fold: Fold?
    }

    private let requests: [RequestID]
    private let results: [ResultDocument]
    private let isWanted: @Sendable (RequestID) -> Bool
    private var nextRequest = 0
    private var nextResult = 0
    private var group: Group?
    private var found: [Disagreement] = []
    package private(set) var cards = 0
    package private(set) var folded = 0

    /// - Parameters:
    ///   - requests: every request of the stretch, in key order.
    ///   - results: the results that are judged, in key order.
    ///   - isWanted: whether a card without a request is reported.
    package init(
        requests: [RequestID], results: [ResultDocument], isWanted: @escaping @Sendable (RequestID) -> Bool
    ) {
        self.requests = requests
        self.results = results
        self.isWanted = isWanted
    }

    package mutating func add(_ chunk: [EmotionCard]) {
        cards += chunk.count
        for card in chunk {
            if group?.id != card.requestID {
                endGroup()
                beginGroup(card.requestID)
            }
            group?.count += 1
            group?.fold?.add(card)
        }
    }

    /// What did not agree, when there are no more cards.
    package mutating func finish() -> [Disagreement] {
        endGroup()
        while nextResult < results.count { judgeWithoutCards() }
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
            judge(fold.result())
        } else if !hasRequest(group.id), isWanted(group.id) {
            found.append(Disagreement(id: group.id, kind: .cardsOrphaned, cardCount: group.count))
        }
    }

    private mutating func judgeWithoutCards() {
        judge(Fold(session: results[nextResult].session).result())
    }

    private mutating func judge(_ result: AnalysisResult) {
        if let kind = results[nextResult].disagreement(with: result) {
            found.append(Disagreement(id: result.requestID, kind: kind, cardCount: result.cardCount))
        }
        nextResult += 1
        folded += 1
    }

    private mutating func hasRequest(_ id: RequestID) -> Bool {
        while nextRequest < requests.count, requests[nextRequest] < id { nextRequest += 1 }
        return nextRequest < requests.count && requests[nextRequest] == id
    }
}

extension ResultDocument {
    /// As much of the session as a fold takes over into its result.
    var session: AnalysisSession {
        AnalysisSession(requestID: id, productID: productID, manifest: [], analyzer: analyzer)
    }
}
