/// The queue's copy of an open request.
package struct AnalysisTask: Sendable, Hashable {
    package let requestID: RequestID
    package let productID: ProductID
    package let generation: Int

    package init(requestID: RequestID, productID: ProductID, generation: Int) {
        self.requestID = requestID
        self.productID = productID
        self.generation = generation
    }
}

/// A task leased to a worker. Everything the worker does to the task names the token.
package struct Claim: Sendable, Hashable {
    package let task: AnalysisTask
    /// How often the task was claimed in this generation, this claim included.
    package let attempt: Int
    /// How often a lease of the task ran out in this generation: its worker died or froze with the task in hand.
    package let lapses: Int
    package let lease: Lease

    package init(task: AnalysisTask, attempt: Int, lapses: Int = 0, lease: Lease) {
        self.task = task
        self.attempt = attempt
        self.lapses = lapses
        self.lease = lease
    }
}

/// The right to work on one task until the database's clock passes its end.
package struct Lease: Sendable, Hashable {
    package let requestID: RequestID
    package let token: LeaseToken

    package init(requestID: RequestID, token: LeaseToken) {
        self.requestID = requestID
        self.token = token
    }
}

/// The pinned list of reviews of one request: what every attempt analyses.
package struct AnalysisSession: Sendable, Hashable {
    package let requestID: RequestID
    package let productID: ProductID
    /// Review ids; a review's index is its ordinal.
    package let manifest: [String]
    /// Who made the cards, as first pinned.
    package let analyzer: AnalyzerIdentity

    package init(requestID: RequestID, productID: ProductID, manifest: [String], analyzer: AnalyzerIdentity) {
        self.requestID = requestID
        self.productID = productID
        self.manifest = manifest
        self.analyzer = analyzer
    }

    /// Whether the card is of the review that the manifest has in its place.
    package func fits(_ card: EmotionCard) -> Bool {
        manifest.indices.contains(card.ordinal) && manifest[card.ordinal] == card.reviewID
    }
}

/// How far a task is. Cards only ever become more; of two phases that of the later generation, then the one that is
/// closed, is the later: running, failed, cancelled, completed.
package struct Progress: Sendable, Hashable {
    package let requestID: RequestID
    package let generation: Int
    /// Cards stored.
    package let done: Int
    /// Length of the manifest.
    package let total: Int
    package let phase: Phase

    package enum Phase: String, Sendable, Hashable {
        case running, completed, failed, cancelled
    }

    package init(requestID: RequestID, generation: Int = 1, done: Int, total: Int, phase: Phase = .running) {
        self.requestID = requestID
        self.generation = generation
        self.done = done
        self.total = total
        self.phase = phase
    }

    /// Nothing comes behind it, whatever else was reported.
    package var isWhole: Bool { phase == .completed && total > 0 && done == total }
}
