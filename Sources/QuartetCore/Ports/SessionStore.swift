/// Sessions: which reviews a request analyses, pinned by its first attempt.
package protocol SessionStore: Sendable {
    /// Stores each session if its request has none, and returns the one that is stored: this one, or an earlier attempt's.
    func pin(_ sessions: [AnalysisSession]) async throws -> [PinnedSession]

    /// The same, durably.
    func pinDurably(_ sessions: [AnalysisSession]) async throws -> [AnalysisSession]

    /// The sessions of these requests, nil where there is none. They are durable.
    func sessions(_ ids: [RequestID]) async throws -> [AnalysisSession?]
}

package struct PinnedSession: Sendable, Hashable {
    package let session: AnalysisSession
    /// The session is durable after a durable write of this term, or when it is pinned durably. Nil: it is durable already.
    package let term: WriteTerm?

    package init(session: AnalysisSession, term: WriteTerm? = nil) {
        self.session = session
        self.term = term
    }
}
