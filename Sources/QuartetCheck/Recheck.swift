import QuartetCore

/// What all stores have under one request's id, read while its row did not change.
struct Look: Sendable {
    let sides: Sides
    let request: AnalysisRequest?
    let document: ResultDocument?
    let keywords: KeywordDetails?
    /// Whether the request's row was the same before and after the others were read.
    let isSteady: Bool

    /// Opened again: the row does not tell since when it is open.
    var isReopened: Bool { request.map { $0.status.isOpen && $0.generation > 1 } ?? false }
}

/// Reads all stores under given keys.
struct LookReader: Sendable {
    static let idsMax = 500

    let ports: CheckPorts

    /// Reads the requests before and after the rest: where they are the same, the rest was so while they were so.
    ///
    /// - Parameter withCards: counts the cards of ids without a request too.
    func read(_ ids: [RequestID], withCards: Bool) async throws -> [Look] {
        let requests = try await ports.requests.requests(ids)
        let withoutRequest = withCards ? zip(ids, requests).filter { $0.1 == nil }.map(\.0) : []
        async let documents = ports.checkStore.documents(of: ids)
        async let tasks = ports.documents.tasks(of: ids)
        async let haveSessions = ports.documents.haveSessions(ids)
        async let details = ports.keywords.details(ids)
        async let counts = ports.cards.counts(withoutRequest)
        let (results, queued, sessions, cards) = try await (documents, tasks, haveSessions, counts)
        let keywords = try await details
        let requestsAfter = try await ports.requests.requests(ids)
        let cardCounts = Dictionary(zip(withoutRequest, cards), uniquingKeysWith: { first, _ in first })
        return ids.indices.map { index in
            Look(
                sides: Sides(
                    id: ids[index], request: requests[index].map(RequestFacts.init), result: results[index]?.facts,
                    task: queued[index], hasSession: sessions[index], hasKeywords: keywords[index] != nil,
                    cardCount: cardCounts[ids[index]]),
                request: requests[index], document: results[index], keywords: keywords[index],
                isSteady: requests[index] == requestsAfter[index])
        }
    }
}

/// A suspect that was seen twice.
struct Confirmed: Sendable {
    let look: Look
    var findings: [Finding]
}

/// Gives suspects their second look.
struct Recheck: Sendable {
    let ports: CheckPorts
    let judge: Judge

    /// Those that are still suspect in the same way, at a time when their requests stood still.
    func confirm(_ suspects: [Suspect]) async throws -> [Confirmed] {
        let looks = try await LookReader(ports: ports).read(suspects.map(\.id), withCards: true)
        var confirmed: [Confirmed] = []
        for (suspect, look) in zip(suspects, looks) where look.isSteady {
            let now = judge.kinds(look.sides).filter(suspect.kinds.contains)
            var findings = judge.findings(now, look.sides)
            if suspect.kinds.contains(where: \.isOfFold),
                look.sides.request.map({ $0.status == .completed && judge.isSettled($0) }) == true
            {
                findings += try await foldFindings(look)
            }
            if !findings.isEmpty { confirmed.append(Confirmed(look: look, findings: findings)) }
        }
        return confirmed
    }

    /// What a completed request's result and keyword details are not, of what its cards fold into.
    private func foldFindings(_ look: Look) async throws -> [Finding] {
        guard let document = look.document else { return [] }
        let again = try await Refold.read(
            document.id, productID: document.productID, analyzer: document.analyzer, ports)
        let kinds = again.disagreements(with: document, look.keywords)
        // Read again, so that both were so while the cards were read.
        guard !kinds.isEmpty, try await ports.checkStore.documents(of: [document.id])[0] == document,
            try await ports.keywords.details([document.id])[0] == look.keywords
        else { return [] }
        let folded = again.result
        let detail = "\(look.sides.summary); \(folded.cardCount) cards fold to digest \(folded.digest)"
        return judge.findings(kinds, look.sides).map {
            Finding(invariant: $0.invariant, kind: $0.kind, key: $0.key, detail: detail, since: $0.since)
        }
    }
}

/// A request's stored cards folded again, and whether they are all that its session asks for.
struct Refold: Sendable {
    private static let cardsPerRead = 4096

    let session: AnalysisSession?
    /// Each ordinal of the manifest has a card of its review, and there are no others.
    let isWhole: Bool
    /// Some cards are behind the manifest's end.
    let hasExtraCards: Bool
    /// Some cards can't be read.
    private let isDamaged: Bool
    private let fold: Fold

    /// - Parameter analyzer: who counts as the cards' maker where there is no session.
    static func read(
        _ id: RequestID, productID: ProductID, analyzer: AnalyzerIdentity?, _ ports: CheckPorts
    ) async throws -> Refold {
        let session = try await ports.sessions.sessions([id])[0]
        let maker = analyzer ?? AnalyzerIdentity(name: "", version: "")
        var fold = Fold(
            session: session
                ?? AnalysisSession(requestID: id, productID: productID, manifest: [], analyzer: maker))
        let size = session?.manifest.count
        var (end, isGapless, hasExtraCards, isDamaged) = (0, true, false, false)
        try await ports.cards.forEachSegment(of: id, cardsPerRead: Self.cardsPerRead) { segment in
            isGapless = isGapless && segment.first == end && session.map(segment.fits) ?? true
            isDamaged = isDamaged || segment.isDamaged
            hasExtraCards = hasExtraCards || size.map { segment.end > $0 || segment.first >= $0 } ?? false
            end = segment.end
            for card in segment.cards { fold.add(card) }
        }
        return Refold(
            session: session, isWhole: size == end && isGapless && !isDamaged, hasExtraCards: hasExtraCards,
            isDamaged: isDamaged, fold: fold)
    }

    /// By the session's analyser, or the one that the stored result names.
    var result: AnalysisResult { fold.result() }

    var keywordDetails: KeywordDetails { fold.keywordDetails() }

    /// What is wrong with a completed request's stored result and keyword details.
    func disagreements(with document: ResultDocument, _ keywords: KeywordDetails?) -> [FindingKind] {
        let (result, details) = fold.resultAndKeywordDetails()
        return [
            isDamaged ? .foldCount : document.disagreement(with: result),
            KeywordDetails.disagreement(of: keywords, with: details, foldVersion: document.foldVersion),
        ].compactMap(\.self)
    }
}
