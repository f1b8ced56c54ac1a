import ClientSupport
import Foundation
import QuartetCore

/// Whether all that was accepted came to what it must come to. Every store is read by itself.
struct Verdict: Sendable {
    let requests: any RequestStore
    let sessions: any SessionStore
    let cards: any CardStore
    /// A product whose analyses can't complete.
    let unreadable: ProductID
    /// When the broker was back without its log, where it had died. The relays had handed over what came before, and nobody
    /// tells it again.
    let logLostBefore: Date?

    struct Outcome: Sendable {
        var completed = 0
        var failed = 0
        var cancelled = 0
        /// Accepted and not there, or without an end.
        var lost: [String] = []
        /// Events that can only have been in a log that the broker lost.
        var eventsLostWithBroker = 0
        /// There more than once: cards, completions.
        var duplicated: [String] = []
        /// Results that are not the fold of their cards, or are where none may be.
        var wrong: [String] = []
    }

    func judge(_ accepted: [RequestID], events: [String: EventBook.Told]) async throws -> Outcome {
        var outcome = Outcome()
        for start in stride(from: 0, to: accepted.count, by: 500) {
            let ids = Array(accepted[start..<min(start + 500, accepted.count)])
            try await judge(part: ids, events, &outcome)
        }
        return outcome
    }

    private func judge(
        part ids: [RequestID], _ events: [String: EventBook.Told], _ outcome: inout Outcome
    ) async throws {
        let rows = try await requests.requests(ids)
        let results = try await requests.results(ids)
        let sessions = try await sessions.sessions(ids)
        for (index, id) in ids.enumerated() {
            guard let row = rows[index] else {
                outcome.lost.append("\(id) is not stored")
                continue
            }
            switch row.status {
            case .completed: outcome.completed += 1
            case .failed:
                outcome.failed += 1
                if row.productID != unreadable {
                    outcome.wrong.append("\(id) failed, though its reviews can be read: \(row.failure ?? "")")
                }
            case .cancelled: outcome.cancelled += 1
            case .queued: outcome.lost.append("\(id) has no end")
            }
            if row.status == .completed, row.productID == unreadable {
                outcome.wrong.append("\(id) is completed, though a review of it can't be read")
            } else if row.status == .completed {
                try await judgeResult(results[index], of: id, sessions[index], &outcome)
            } else if results[index] != nil {
                outcome.wrong.append("\(id) is \(row.status.rawValue) and has a result")
            }
            judgeEvents(of: row, events[id.description], &outcome)
        }
    }

    private func judgeResult(
        _ result: StoredResult?, of id: RequestID, _ session: AnalysisSession?, _ outcome: inout Outcome
    ) async throws {
        guard let result, let session else {
            outcome.wrong.append("\(id) is completed without a \(result == nil ? "result" : "session")")
            return
        }
        let cards = try await cards.cards(of: id, after: nil, limit: session.manifest.count + 1)
        if cards.map(\.reviewID) != session.manifest {
            outcome.wrong.append("\(id) has \(cards.count) cards of \(session.manifest.count) reviews")
        }
        if Set(cards.map(\.reviewID)).count != cards.count { outcome.duplicated.append("\(id): cards") }
        if Fold.result(of: cards, session: session).json != result.json {
            outcome.wrong.append("\(id): the result is not the fold of its cards")
        }
    }

    /// Every change is told, and each as one event, however often that is delivered.
    private func judgeEvents(
        of row: AnalysisRequest, _ told: EventBook.Told?, _ outcome: inout Outcome
    ) {
        let types = told?.ids ?? [:]
        let closing: EventType? =
            switch row.status {
            case .queued: nil
            case .completed: .analysisCompleted
            case .failed: .analysisFailed
            case .cancelled: .analysisCancelled
            }
        let events = [(EventType.analysisRequested, row.createdAt as Date?), (closing, row.closedAt)]
        for case (let type?, let date) in events {
            let count = types[type.name]?.count ?? 0
            if count > row.generation {
                outcome.duplicated.append("\(row.id): \(count) events \(type.name)")
            }
            guard count == 0 else { continue }
            if let logLostBefore, let date, date < logLostBefore {
                outcome.eventsLostWithBroker += 1
            } else {
                outcome.lost.append("\(row.id): no event \(type.name)")
            }
        }
    }
}
