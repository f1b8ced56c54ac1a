package import Foundation

/// A stretch of keys: behind `after`, up to and including `through`. Request ids sort alike in PostgreSQL and MongoDB.
package struct KeyRange: Sendable, Hashable {
    package var after: RequestID
    package var through: RequestID

    package init(after: RequestID = .lowest, through: RequestID = .highest) {
        self.after = after
        self.through = through
    }
}

extension RequestID {
    package static let lowest = RequestID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))
    package static let highest = RequestID(
        UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255)))

    /// An id before every one that is made at `date` or later.
    package static func before(_ date: Date) -> RequestID {
        let milliseconds = UInt64(max(0, (date.timeIntervalSince1970 * 1000).rounded(.down)))
        let words = ((milliseconds << 16).bigEndian, UInt64(0))
        return withUnsafeBytes(of: words) { RequestID(UUID(uuid: $0.loadUnaligned(as: uuid_t.self))) }
    }

    /// The next lower one; of the lowest, itself.
    package var predecessor: RequestID {
        withUnsafeBytes(of: uuid.uuid) { bytes in
            let high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
            let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            guard low > 0 || high > 0 else { return self }
            let words = ((low == 0 ? high - 1 : high).bigEndian, (low &- 1).bigEndian)
            return withUnsafeBytes(of: words) { RequestID(UUID(uuid: $0.loadUnaligned(as: uuid_t.self))) }
        }
    }

    /// When it was made, to the millisecond; nil unless it is a UUID of version 7.
    package var madeAt: Date? {
        withUnsafeBytes(of: uuid.uuid) { bytes in
            guard bytes[6] >> 4 == 7 else { return nil }
            let milliseconds = bytes[..<6].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return Date(timeIntervalSince1970: Double(milliseconds) / 1000)
        }
    }
}

/// A row of `analysis_requests`, as far as a walk needs it.
package struct RequestFacts: Sendable, Hashable {
    package let id: RequestID
    package let status: RequestStatus
    package let generation: Int
    package let createdAt: Date
    package let closedAt: Date?

    package init(id: RequestID, status: RequestStatus, generation: Int, createdAt: Date, closedAt: Date?) {
        self.id = id
        self.status = status
        self.generation = generation
        self.createdAt = createdAt
        self.closedAt = closedAt
    }

    package init(_ request: AnalysisRequest) {
        self.init(
            id: request.id, status: request.status, generation: request.generation, createdAt: request.createdAt,
            closedAt: request.closedAt)
    }

    /// Since when it has been as it is; nil where the row does not tell: a request that was opened again.
    package var since: Date? { closedAt ?? (generation == 1 ? createdAt : nil) }

    var summary: String { "request \(status.rawValue), generation \(generation)" }
}

/// A row of `analysis_results` without its document.
package struct ResultFacts: Sendable, Hashable {
    package let id: RequestID
    package let cardCount: Int
    package let digest: CardDigest

    package init(id: RequestID, cardCount: Int, digest: CardDigest) {
        self.id = id
        self.cardCount = cardCount
        self.digest = digest
    }

    var summary: String { "result of \(cardCount) cards, digest \(digest)" }
}

/// A task of the queue.
package struct TaskFacts: Sendable, Hashable {
    package let id: RequestID
    package let isDead: Bool
    package let generation: Int

    package init(id: RequestID, isDead: Bool, generation: Int) {
        self.id = id
        self.isDead = isDead
        self.generation = generation
    }

    var summary: String { "\(isDead ? "dead" : "live") task, generation \(generation)" }
}

/// What the stores have under one request's id.
package struct Sides: Sendable, Hashable {
    package let id: RequestID
    package var request: RequestFacts?
    package var result: ResultFacts?
    package var task: TaskFacts?
    package var hasSession: Bool
    /// False also where nobody looked.
    package var hasKeywords: Bool
    /// How many cards there are; nil where nobody looked.
    package var cardCount: Int?

    package init(
        id: RequestID, request: RequestFacts? = nil, result: ResultFacts? = nil, task: TaskFacts? = nil,
        hasSession: Bool = false, hasKeywords: Bool = false, cardCount: Int? = nil
    ) {
        self.id = id
        self.request = request
        self.result = result
        self.task = task
        self.hasSession = hasSession
        self.hasKeywords = hasKeywords
        self.cardCount = cardCount
    }

    /// For people.
    package var summary: String {
        var parts = [
            request?.summary ?? "no request", task?.summary ?? "no task", result?.summary ?? "no result",
            hasSession ? "a session" : "no session", hasKeywords ? "keyword details" : "no keyword details",
        ]
        if let cardCount { parts.append("\(cardCount) cards") }
        return parts.joined(separator: "; ")
    }
}

/// What a result should be and is: a row of `analysis_results` with its document.
package struct ResultDocument: Sendable, Hashable {
    package let facts: ResultFacts
    package let productID: ProductID
    package let analyzer: AnalyzerIdentity
    /// UTF-8 JSON.
    package let json: [UInt8]
    /// Of the fold that made it.
    package let foldVersion: Int

    package init(
        facts: ResultFacts, productID: ProductID, analyzer: AnalyzerIdentity, json: [UInt8],
        foldVersion: Int = Fold.version
    ) {
        self.facts = facts
        self.productID = productID
        self.analyzer = analyzer
        self.json = json
        self.foldVersion = foldVersion
    }

    package var id: RequestID { facts.id }

    /// In which way it is not what its cards fold into; nil where it is. What another version of the fold has made of the right
    /// cards is not held against this one's.
    package func disagreement(with folded: AnalysisResult) -> FindingKind? {
        if facts.cardCount != folded.cardCount { return .foldCount }
        if facts.digest != folded.digest { return .foldDigest }
        return foldVersion != Fold.version || json == folded.json ? nil : .foldDocument
    }
}

extension KeywordDetails {
    /// In which way a completed request's stored details, if there are any, are not what its cards fold into; nil where
    /// they are.
    ///
    /// - Parameter foldVersion: of the result beside them.
    package static func disagreement(
        of stored: KeywordDetails?, with folded: KeywordDetails, foldVersion: Int = Fold.version
    ) -> FindingKind? {
        guard let stored else { return .keywordsMissing }
        // A result names its analyser as one text, which does not tell where a name with a slash ends.
        let agrees =
            stored.cardCount == folded.cardCount && stored.digest == folded.digest
            && stored.productID == folded.productID
            && (foldVersion != Fold.version
                || stored.keywords == folded.keywords && stored.aspects == folded.aspects)
            && stored.analyzer.description == folded.analyzer.description
        return agrees ? nil : .keywordsFold
    }
}
