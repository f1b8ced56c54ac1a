/// What the checker reads of requests and results beyond ``RequestStore``, in chunks by key, and mends.
///
/// Reads come in key order and see what is committed; what mends is safe to repeat, and changes only rows that are
/// still as the call says.
package protocol RequestCheckStore: Sendable {
    /// Up to `limit` requests of the stretch.
    func requests(in range: KeyRange, limit: Int) async throws -> [RequestFacts]

    /// Up to `limit` results of the stretch.
    func results(in range: KeyRange, limit: Int) async throws -> [ResultFacts]

    /// Up to `limit` results of the stretch, with their documents.
    func documents(in range: KeyRange, limit: Int) async throws -> [ResultDocument]

    /// The results of these ids with their documents, nil where there is none.
    func documents(of ids: [RequestID]) async throws -> [ResultDocument?]

    /// Up to `limit` requests behind `after` and before `start`, in the order of their keys, that were opened again by
    /// transactions not older than that, as far as the outbox remembers.
    func reopened(
        since transaction: UInt64, behind after: RequestID, before start: RequestID, limit: Int
    ) async throws -> [RequestID]

    /// Removes results whose requests are not completed, or are not there. Returns the ids whose result went.
    func removeUncompletedResults(_ ids: [RequestID]) async throws -> [RequestID]

    /// Puts these in place of the results of completed requests, or adds them, and tells so by an event. A result that is
    /// already so stays.
    func replaceResults(_ results: [AnalysisResult]) async throws

    /// Removes the results of these completed requests and opens the requests again in their next generation, with the
    /// event that queues them. Those that are not in that generation stay as they are.
    func runAgain(_ requests: [(id: RequestID, generation: Int)]) async throws
}
