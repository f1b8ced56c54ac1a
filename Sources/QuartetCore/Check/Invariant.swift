/// What must hold between the stores, by the numbers of the design.
package enum Invariant: String, Sendable, Hashable, CaseIterable, Codable, Comparable {
    case i1 = "I1"
    case i2 = "I2"
    case i3 = "I3"
    case i4 = "I4"
    case i5 = "I5"
    case i6 = "I6"
    case i7 = "I7"
    case i8 = "I8"
    case i9 = "I9"
    case i10 = "I10"

    package var title: String {
        switch self {
        case .i1: "every open request has one live task"
        case .i2: "every live task has an open request"
        case .i3: "completed if and only if there is a result"
        case .i4: "the result and the keyword details equal the fold of their cards"
        case .i5: "no task, session, card or keyword details without a request"
        case .i6: "dead task if and only if failed"
        case .i7: "no outbox row waits, cursors only move forward"
        case .i8: "no cache entry is older than its row, every key expires"
        case .i9: "each read model equals its source"
        case .i10: "each reference across databases points at a row"
        }
    }

    package static func < (left: Invariant, right: Invariant) -> Bool { left.number < right.number }

    private var number: Int { Int(rawValue.dropFirst()) ?? 0 }
}

/// The ways in which stores disagree.
package enum FindingKind: String, Sendable, Hashable, CaseIterable, Codable {
    case taskMissing = "task.missing"
    case taskGeneration = "task.generation"
    case taskDueTooLate = "task.due_too_late"
    case requestAhead = "request.time_ahead"
    case taskDeadButOpen = "task.dead_but_open"
    case taskLiveButClosed = "task.live_but_closed"
    case taskLiveButFailed = "task.live_but_failed"
    case taskDeadButClosed = "task.dead_but_closed"
    case deadTaskMissing = "task.dead_missing"
    case resultMissing = "result.missing"
    case resultUnexpected = "result.unexpected"
    case resultOrphaned = "result.orphan"
    case foldCount = "fold.count"
    case foldDigest = "fold.digest"
    case foldDocument = "fold.document"
    case keywordsMissing = "keywords.missing"
    case keywordsFold = "keywords.fold"
    case taskOrphaned = "task.orphan"
    case sessionOrphaned = "session.orphan"
    case cardsOrphaned = "cards.orphan"
    case keywordsOrphaned = "keywords.orphan"
    case outboxWaiting = "outbox.waiting"
    case cursorWentBack = "outbox.cursor_went_back"
    case cacheStale = "cache.stale"
    case cacheWithoutRow = "cache.without_row"
    case keyWithoutExpiry = "key.without_expiry"
    case referenceDangling = "reference.dangling"
    case readModelBehind = "read_model.behind"
    case readModelDiffers = "read_model.differs"

    /// Those that it breaks; a finding is filed under the first that is being checked.
    package var invariants: [Invariant] {
        switch self {
        case .taskMissing, .taskGeneration, .taskDueTooLate, .requestAhead: [.i1]
        case .taskDeadButOpen: [.i6, .i1]
        case .taskLiveButClosed: [.i2]
        case .taskLiveButFailed: [.i2, .i6]
        case .taskDeadButClosed, .deadTaskMissing: [.i6]
        case .resultMissing, .resultUnexpected, .resultOrphaned: [.i3]
        case .foldCount, .foldDigest, .foldDocument, .keywordsMissing, .keywordsFold: [.i4]
        case .taskOrphaned: [.i5, .i2]
        case .sessionOrphaned, .cardsOrphaned, .keywordsOrphaned: [.i5]
        case .outboxWaiting, .cursorWentBack: [.i7]
        case .cacheStale, .cacheWithoutRow, .keyWithoutExpiry: [.i8]
        case .referenceDangling: [.i10]
        case .readModelBehind, .readModelDiffers: [.i9]
        }
    }

    package var title: String {
        switch self {
        case .taskMissing: "open request without a task"
        case .taskGeneration: "task of another generation than its request"
        case .taskDueTooLate: "task that waits longer than anything can make it"
        case .requestAhead: "request of a time that has not come yet"
        case .taskDeadButOpen: "dead task of an open request"
        case .taskLiveButClosed: "live task of a closed request"
        case .taskLiveButFailed: "live task of a failed request"
        case .taskDeadButClosed: "dead task of a request that did not fail"
        case .deadTaskMissing: "failed request without its dead task"
        case .resultMissing: "completed request without a result"
        case .resultUnexpected: "result of a request that is not completed"
        case .resultOrphaned: "result without a request"
        case .foldCount: "result counts other cards than there are"
        case .foldDigest: "result's digest is not that of its cards"
        case .foldDocument: "result's document is not the fold of its cards"
        case .keywordsMissing: "completed request without keyword details"
        case .keywordsFold: "keyword details are not the fold of their cards"
        case .taskOrphaned: "task without a request"
        case .sessionOrphaned: "session without a request"
        case .cardsOrphaned: "cards without a request"
        case .keywordsOrphaned: "keyword details without a request"
        case .outboxWaiting: "outbox rows not delivered"
        case .cursorWentBack: "outbox cursor went back"
        case .cacheStale: "cache entry older than its row"
        case .cacheWithoutRow: "cache entry without a row"
        case .keyWithoutExpiry: "key that never expires"
        case .referenceDangling: "reference to a row that is not there"
        case .readModelBehind: "read model's row missing, or older than its source"
        case .readModelDiffers: "read model's row is not its source"
        }
    }

    /// Whether it is about one request, and its key is that request's id.
    package var isOfRequest: Bool {
        switch self {
        case .outboxWaiting, .cursorWentBack, .cacheStale, .cacheWithoutRow, .keyWithoutExpiry, .referenceDangling,
            .readModelBehind, .readModelDiffers:
            false
        default: true
        }
    }

    /// Whether it takes the request's cards to see it.
    package var isOfFold: Bool {
        switch self {
        case .foldCount, .foldDigest, .foldDocument, .keywordsMissing, .keywordsFold: true
        default: false
        }
    }

    /// Whether it is about keyword details.
    package var isOfKeywords: Bool {
        switch self {
        case .keywordsMissing, .keywordsFold, .keywordsOrphaned: true
        default: false
        }
    }
}

extension Set<Invariant> {
    /// Under which of these a finding of `kind` is filed; nil if none of them is concerned.
    package func filing(_ kind: FindingKind) -> Invariant? { kind.invariants.first { contains($0) } }
}
