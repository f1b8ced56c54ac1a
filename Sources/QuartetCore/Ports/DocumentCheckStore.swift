/// What the checker reads of tasks, sessions, cards and keyword details, in chunks by key, and mends.
package protocol DocumentCheckStore: Sendable {
    /// Up to `limit` tasks of the stretch.
    func tasks(in range: KeyRange, limit: Int) async throws -> [TaskFacts]

    func tasks(of ids: [RequestID]) async throws -> [TaskFacts?]

    /// Up to `limit` requests of the stretch that have a session.
    func sessions(in range: KeyRange, limit: Int) async throws -> [RequestID]

    /// Which of these have a session.
    func haveSessions(_ ids: [RequestID]) async throws -> [Bool]

    /// Up to `limit` segments of cards behind `position`, those of requests up to `through`, in key order, each up to where
    /// its request's next one begins.
    func segments(after position: CardPosition, through: RequestID, limit: Int) async throws -> [CardSegment]

    /// Up to `limit` keys of segments as ``segments(after:through:limit:)``, for who needs no more.
    func segmentKeys(after position: CardPosition, through: RequestID, limit: Int) async throws -> [CardPosition]

    /// Removes tasks that are still as given.
    func removeTasks(_ tasks: [TaskFacts]) async throws

    /// Leaves a dead task for each of these, in place of one of the same or an earlier generation.
    func buryTasks(_ burials: [(task: AnalysisTask, error: String)]) async throws

    func removeSessions(_ ids: [RequestID]) async throws

    /// Removes each request's cards from an ordinal on.
    func removeCards(_ cards: [(id: RequestID, from: Int)]) async throws

    /// Up to `limit` keyword details of the stretch.
    func keywordDetails(in range: KeyRange, limit: Int) async throws -> [KeywordDetails]

    /// The requests of ``keywordDetails(in:limit:)``, for who needs no more.
    func keywordDetailsKeys(in range: KeyRange, limit: Int) async throws -> [RequestID]

    func removeKeywordDetails(_ ids: [RequestID]) async throws
}
