import Foundation
import Logging
import QuartetCore

/// Mends what two looks found. Every mending is a keyed write that changes nothing the second time, in one store.
struct Repairer: Sendable {
    let ports: CheckPorts
    let judge: Judge
    let logger: Logger

    /// Mends kind by kind, then looks again: a finding counts as repaired when it is gone.
    func mend(_ confirmed: [Confirmed]) async throws -> [Confirmed] {
        var actions: [FindingKind: String] = [:]
        for kind in FindingKind.allCases {
            let concerned = confirmed.filter { $0.findings.contains { $0.kind == kind } }
            guard !concerned.isEmpty else { continue }
            do {
                actions[kind] = try await mend(kind, concerned)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                actions[kind] = "failed: \(error)"
                logger.error("repair failed", metadata: ["kind": "\(kind.rawValue)", "error": "\(error)"])
            }
        }
        let looks = try await LookReader(ports: ports).read(confirmed.map(\.look.sides.id), withCards: true)
        var mended: [Confirmed] = []
        for (before, look) in zip(confirmed, looks) {
            var after = before
            for index in after.findings.indices {
                let kind = after.findings[index].kind
                let isGone = try await isGone(kind, before: before, look)
                after.findings[index].repair = Repair(
                    action: actions[kind] ?? "none", before: before.look.sides.summary, after: look.sides.summary,
                    isDone: isGone)
            }
            mended.append(after)
        }
        return mended
    }

    private func isGone(_ kind: FindingKind, before: Confirmed, _ look: Look) async throws -> Bool {
        guard kind.isOfFold else { return !judge.kinds(look.sides).contains(kind) }
        guard let document = look.document, look.request?.status == .completed else {
            return look.request?.status.isOpen ?? true
        }
        let again = try await Refold.read(
            document.id, productID: document.productID, analyzer: document.analyzer, ports)
        return !again.disagreements(with: document, look.keywords).contains { $0.isOfKeywords == kind.isOfKeywords }
    }

    /// Returns what was done.
    private func mend(_ kind: FindingKind, _ found: [Confirmed]) async throws -> String {
        let ids = found.map(\.look.sides.id)
        let tasks = found.compactMap(\.look.sides.task)
        switch kind {
        case .taskMissing:
            try await ports.queue.enqueue(found.compactMap(\.look.task))
            return "task enqueued"
        case .requestAhead: return "left: it passes with time"
        case .taskGeneration, .taskDueTooLate, .taskDeadButOpen:
            // A later generation than the request's can only be taken away; an earlier one is replaced.
            try await ports.documents.removeTasks(tasks)
            try await ports.queue.enqueue(found.compactMap(\.look.task))
            return "task enqueued in its place"
        case .taskLiveButClosed, .taskDeadButClosed, .taskOrphaned:
            try await ports.documents.removeTasks(tasks)
            return "task removed"
        case .taskLiveButFailed, .deadTaskMissing:
            let burials = found.compactMap { found in
                found.look.task.map { (task: $0, error: found.look.request?.failure ?? "") }
            }
            try await ports.documents.buryTasks(burials)
            return "dead task left in its place"
        case .sessionOrphaned:
            try await ports.documents.removeSessions(ids)
            return "session removed"
        case .cardsOrphaned:
            try await ports.documents.removeCards(ids.map { ($0, from: 0) })
            return "cards removed"
        case .keywordsOrphaned:
            try await ports.documents.removeKeywordDetails(ids)
            return "keyword details removed"
        case .resultUnexpected, .resultOrphaned:
            _ = try await ports.checkStore.removeUncompletedResults(ids)
            return "result removed"
        case .resultMissing, .foldCount, .foldDigest, .foldDocument:
            var actions: Set<String> = []
            for found in found { actions.insert(try await makeResult(found)) }
            return actions.sorted().joined(separator: ", or ")
        case .keywordsMissing, .keywordsFold:
            // Where the result is wrong too, it was mended with it, or the request runs again.
            let own = found.filter { !$0.findings.contains { $0.kind.isOfFold && !$0.kind.isOfKeywords } }
            try await replaceKeywords(own)
            return own.count == found.count ? "folded again" : "folded again, or with its result"
        case .outboxWaiting, .cursorWentBack, .cacheStale, .cacheWithoutRow, .keyWithoutExpiry, .referenceDangling,
            .readModelBehind, .readModelDiffers:
            preconditionFailure("\(kind) is no finding about a request")
        }
    }

    /// Puts the fold of the stored cards in place of details beside a result that agrees with them.
    private func replaceKeywords(_ found: [Confirmed]) async throws {
        for document in found.compactMap(\.look.document) {
            let refold = try await Refold.read(
                document.id, productID: document.productID, analyzer: document.analyzer, ports)
            try await ports.keywords.replace([refold.keywordDetails])
        }
    }

    /// Folds again where the cards are whole; has the analysis run again where they are not.
    private func makeResult(_ found: Confirmed) async throws -> String {
        guard let request = found.look.request else { return "none" }
        var refold = try await Refold.read(request.id, productID: request.productID, analyzer: nil, ports)
        if let session = refold.session, refold.hasExtraCards {
            try await ports.documents.removeCards([(request.id, from: session.manifest.count)])
            refold = try await Refold.read(request.id, productID: request.productID, analyzer: nil, ports)
        }
        if refold.isWhole {
            // As a worker does: a completed request has its details.
            try await ports.keywords.replace([refold.keywordDetails])
            try await ports.checkStore.replaceResults([refold.result])
            return "folded again"
        }
        // Without a session nobody knows which reviews the cards were made of.
        if refold.session == nil { try await ports.documents.removeCards([(request.id, from: 0)]) }
        try await ports.checkStore.runAgain([(request.id, generation: request.generation)])
        return "runs again"
    }
}

extension Look {
    /// The task that the request should have, or had.
    fileprivate var task: AnalysisTask? {
        request.map { AnalysisTask(requestID: $0.id, productID: $0.productID, generation: $0.generation) }
    }
}
