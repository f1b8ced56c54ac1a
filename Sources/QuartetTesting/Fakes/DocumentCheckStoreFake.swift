package import QuartetCore
import Synchronization

/// What the checker reads and mends of the fakes that stand for MongoDB.
package final class FakeDocumentCheckStore: DocumentCheckStore {
    private let queue: FakeTaskQueue
    private let sessions: FakeSessionStore
    private let cards: FakeCardStore
    private let keywords: FakeKeywordStore
    private let willReadTasks = Mutex(Hook { _ in })

    /// In a struct: a bare closure in generic storage gains a thunk at every access.
    private struct Hook: Sendable {
        let call: @Sendable (KeyRange) throws -> Void
    }

    package init(queue: FakeTaskQueue, sessions: FakeSessionStore, cards: FakeCardStore, keywords: FakeKeywordStore) {
        self.queue = queue
        self.sessions = sessions
        self.cards = cards
        self.keywords = keywords
    }

    /// Calls `hook` before each stretch of tasks is read; reading fails where it throws.
    package func beforeReadingTasks(_ hook: @escaping @Sendable (KeyRange) throws -> Void) {
        willReadTasks.withLock { $0 = Hook(call: hook) }
    }

    // MARK: Tasks

    package func tasks(in range: KeyRange, limit: Int) async throws -> [TaskFacts] {
        try willReadTasks.withLock(\.self).call(range)
        return Array(queue.facts.filter { range.contains($0.id) }.prefix(limit))
    }

    package func tasks(of ids: [RequestID]) async throws -> [TaskFacts?] {
        let facts = queue.facts
        return ids.map { id in facts.first { $0.id == id } }
    }

    package func removeTasks(_ tasks: [TaskFacts]) async throws {
        let facts = Set(queue.facts)
        for task in tasks where facts.contains(task) { queue.remove(task.id) }
    }

    package func buryTasks(_ burials: [(task: AnalysisTask, error: String)]) async throws {
        for (task, error) in burials {
            let present = queue.contents(of: task.requestID)?.task.generation
            if (present ?? .min) <= task.generation { queue.putGrave(of: task, error: error) }
        }
    }

    // MARK: Sessions

    package func sessions(in range: KeyRange, limit: Int) async throws -> [RequestID] {
        Array(sessions.ids.filter(range.contains).prefix(limit))
    }

    package func haveSessions(_ ids: [RequestID]) async throws -> [Bool] {
        ids.map(Set(sessions.ids).contains)
    }

    package func removeSessions(_ ids: [RequestID]) async throws { sessions.remove(ids) }

    // MARK: Cards

    package func segments(
        after position: CardPosition, through: RequestID, limit: Int
    ) async throws -> [CardSegment] {
        let behind = cards.all.filter { segment in
            guard segment.requestID <= through else { return false }
            guard segment.requestID == position.id else { return position.id < segment.requestID }
            return position.ordinal.map { $0 < segment.first } ?? false
        }
        return Array(behind.prefix(limit))
    }

    package func segmentKeys(
        after position: CardPosition, through: RequestID, limit: Int
    ) async throws -> [CardPosition] {
        try await segments(after: position, through: through, limit: limit)
            .map { CardPosition(id: $0.requestID, ordinal: $0.first) }
    }

    package func removeCards(_ removals: [(id: RequestID, from: Int)]) async throws {
        for (id, ordinal) in removals { cards.remove(id, from: ordinal) }
    }

    // MARK: Keyword details

    package func keywordDetails(in range: KeyRange, limit: Int) async throws -> [KeywordDetails] {
        Array(keywords.all.filter { range.contains($0.requestID) }.prefix(limit))
    }

    package func keywordDetailsKeys(in range: KeyRange, limit: Int) async throws -> [RequestID] {
        try await keywordDetails(in: range, limit: limit).map(\.requestID)
    }

    package func removeKeywordDetails(_ ids: [RequestID]) async throws { keywords.remove(ids) }
}

extension KeyRange {
    func contains(_ id: RequestID) -> Bool { after < id && id <= through }
}
