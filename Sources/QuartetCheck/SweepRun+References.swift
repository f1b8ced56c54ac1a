import Foundation
import QuartetCore

extension SweepRun {
    /// References beside the rows of other databases, whatever the reach: a key does not tell how old its row is.
    func walkReferences() async throws {
        let progress = sweep.progress[.references]
        // Where a sweep that was cut off was.
        let first = ports.references.firstIndex { $0.name == progress.part }
        for (index, reference) in ports.references.enumerated().dropFirst(first ?? 0) {
            try await walk(reference, behind: index == first ? progress.afterKey : nil)
        }
    }

    private func walk(_ reference: any ReferenceCheckStore, behind start: String?) async throws {
        let pacer = Pacer(workShare: configuration.workShare, time: time)
        let look = ReferenceLook(reference: reference, sample: sample, settledBefore: sweep.settledBefore)
        let limit = configuration.requestsPerChunk
        var after = start
        var page: [ReferenceFacts] = []
        repeat {
            let (read, suspects) = try await pacer.paced { [after] in
                let page = try await reference.references(behind: after, limit: limit)
                return (page, try await look.dangling(page))
            }
            page = read
            after = page.last?.key ?? after
            sweep.progress[.references].rows += page.count
            if !suspects.isEmpty { try await lookTwice(at: suspects, look) }
            sweep.progress[.references].part = reference.name
            sweep.progress[.references].afterKey = after
            try await save(.references)
        } while page.count == limit
    }

    private func lookTwice(at suspects: [ReferenceFacts], _ look: ReferenceLook) async throws {
        try await time.sleep(configuration.secondLookPause)
        let reference = look.reference
        let confirmed = try await look.again(suspects)
        guard !confirmed.isEmpty else { return }
        var left: Set<String>?
        if sweep.options.repairs, reference.cure != .report {
            try await reference.mend(confirmed)
            left = Set(try await look.again(confirmed).map(\.key))
        }
        let (table, column) = reference.parts
        try await report(
            confirmed.map { row in
                let detail = "\(column) \(row.target) is not in \(reference.target)"
                return Finding(
                    invariant: .i10, kind: .referenceDangling, key: "\(table)/\(row.key)", detail: detail,
                    since: row.changedAt,
                    repair: left.map { left in
                        Repair(
                            action: reference.cure == .clear ? "\(column) cleared" : "row deleted", before: detail,
                            after: left.contains(row.key) ? detail : "gone", isDone: !left.contains(row.key))
                    })
            })
    }
}

extension ReferenceCheckStore {
    fileprivate var parts: (table: Substring, column: Substring) {
        let parts = name.split(separator: ".", maxSplits: 1)
        return (parts.first ?? "", parts.last ?? "")
    }
}

/// Compares references with the rows of another database: the ids are fetched from one and asked for in the other.
private struct ReferenceLook: Sendable {
    let reference: any ReferenceCheckStore
    let sample: KeySample
    let settledBefore: Date

    /// The settled ones of `page` that name what is not there.
    func dangling(_ page: [ReferenceFacts]) async throws -> [ReferenceFacts] {
        let judged = page.filter { $0.changedAt < settledBefore && sample.contains(Array($0.key.utf8)) }
        guard !judged.isEmpty else { return [] }
        let there = try await reference.present(Set(judged.map(\.target)))
        return judged.filter { !there.contains($0.target) }
    }

    func again(_ rows: [ReferenceFacts]) async throws -> [ReferenceFacts] {
        try await dangling(reference.references(rows.map(\.key)).compactMap(\.self))
    }
}
