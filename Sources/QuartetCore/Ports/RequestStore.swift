/// Requests and their results: the truth about what was asked and what came of it.
///
/// Every call takes a batch and commits it in one transaction, together with the outbox rows that tell the other stores.
/// Results come in the batch's order.
package protocol RequestStore: Sendable {
    /// Stores new requests as `queued`.
    func submit(_ submissions: [Submission]) async throws -> [SubmitOutcome]

    /// The requests of these ids, nil where there is none.
    func requests(_ ids: [RequestID]) async throws -> [AnalysisRequest?]

    /// Stores results and sets their requests `completed`, where they are still open. A result's version is greater than that
    /// of its product's last one, whatever the clock says.
    func finalise(_ finalisations: [Finalisation]) async throws -> [FinaliseOutcome]

    /// Sets requests `failed`, where they are still open in that generation.
    func fail(_ failures: [RequestFailure]) async throws -> [CloseOutcome]

    /// Sets requests `cancelled`, where they are still open.
    func cancel(_ ids: [RequestID]) async throws -> [ChangeOutcome]

    /// Sets failed requests `cancelled`: nobody waits for them any more.
    func drop(_ ids: [RequestID]) async throws -> [ChangeOutcome]

    /// Opens failed and cancelled requests again, each in its next generation.
    func retry(_ ids: [RequestID]) async throws -> [ChangeOutcome]

    /// The stored result of each request, nil where there is none.
    func results(_ ids: [RequestID]) async throws -> [StoredResult?]

    /// The result of each product's latest completed analysis, nil where there is none.
    func latestResults(of products: [ProductID]) async throws -> [StoredResult?]
}
