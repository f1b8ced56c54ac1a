/// Sessions: which reviews a request analyses, pinned by its first attempt.
package protocol SessionStore: Sendable {
    /// Stores each session if its request has none, and returns the one that is stored: this one, or an earlier attempt's.
    func pin(_ sessions: [AnalysisSession]) async throws -> [AnalysisSession]

    /// The sessions of these requests, nil where there is none.
    func sessions(_ ids: [RequestID]) async throws -> [AnalysisSession?]
}
