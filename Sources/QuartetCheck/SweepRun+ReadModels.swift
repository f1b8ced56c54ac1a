import Foundation
import QuartetCore

extension SweepRun {
    /// Each read model beside its source, in the order of their keys, whatever the reach.
    func walkReadModels() async throws {
        let progress = sweep.progress[.readModels]
        // Where a sweep that was cut off was.
        let first = ports.readModels.firstIndex { $0.name == progress.part }
        for (index, model) in ports.readModels.enumerated().dropFirst(first ?? 0) {
            guard try await model.isKept() else { continue }
            try await walk(model, behind: index == first ? progress.afterKey : nil)
        }
    }

    private func walk(_ model: any ReadModelCheckStore, behind start: String?) async throws {
        let pacer = Pacer(workShare: configuration.workShare, time: time)
        let limit = configuration.requestsPerChunk
        let look = ReadModelLook(sample: sample, settledBefore: sweep.settledBefore)
        var after = start
        var isOver = false
        repeat {
            let (source, copy) = try await pacer.paced { [after] in
                (
                    try await model.source(behind: after, limit: limit),
                    try await model.copy(behind: after, limit: limit)
                )
            }
            // A side that came to its limit may have more behind its last row, so the stretch ends there.
            let ends = [source, copy].filter { $0.count == limit }.compactMap(\.last?.key)
            let through = ends.min { $0.precedes($1) }
            isOver = through == nil
            func isInside(_ row: ReadModelFacts) -> Bool { through.map { !$0.precedes(row.key) } ?? true }
            let suspects = look.suspects(source.filter(isInside), copy.filter(isInside))
            sweep.progress[.readModels].rows += source.count(where: isInside)
            if !suspects.isEmpty { try await lookTwice(at: suspects, of: model, look) }
            after = through ?? after
            sweep.progress[.readModels].part = model.name
            sweep.progress[.readModels].afterKey = after
            try await save(.readModels)
        } while !isOver
    }

    private func lookTwice(
        at suspects: [ReadModelSuspect], of model: any ReadModelCheckStore, _ look: ReadModelLook
    ) async throws {
        try await time.sleep(configuration.secondLookPause)
        let kinds = Dictionary(suspects.map { ($0.key, $0.kind) }) { first, _ in first }
        for part in suspects.map(\.key).parts(of: LookReader.idsMax) {
            // The copy first: what is newer at the source then is no fault of the copy's.
            let copy = try await model.copy(part)
            let confirmed = look.suspects(try await model.source(part), copy).filter { kinds[$0.key] == $0.kind }
            guard !confirmed.isEmpty else { continue }
            let repaired = sweep.options.repairs ? try await mend(confirmed, of: model, look) : nil
            try await report(
                confirmed.map { suspect in
                    Finding(
                        invariant: .i9, kind: suspect.kind, key: "\(model.name)/\(suspect.key)",
                        detail: suspect.detail, since: suspect.source?.changedAt ?? suspect.copy?.changedAt,
                        repair: repaired.map {
                            Repair(
                                action: suspect.source == nil ? "row removed" : "row copied again",
                                before: suspect.detail, after: $0[suspect.key] ?? "equal",
                                isDone: $0[suspect.key] == nil)
                        })
                })
        }
    }

    /// Copies rows again; returns what is wrong with those that are not equal then.
    private func mend(
        _ confirmed: [ReadModelSuspect], of model: any ReadModelCheckStore, _ look: ReadModelLook
    ) async throws -> [String: String] {
        let keys = confirmed.map(\.key)
        try await model.copyAgain(keys, seen: confirmed.compactMap(\.copy))
        let copy = try await model.copy(keys)
        let left = look.suspects(try await model.source(keys), copy)
        return Dictionary(left.map { ($0.key, $0.detail) }) { first, _ in first }
    }
}

/// A row and its copy that are not the same.
private struct ReadModelSuspect: Sendable {
    let key: String
    let source: ReadModelFacts?
    let copy: ReadModelFacts?

    var kind: FindingKind {
        guard let source else { return .readModelDiffers }
        return copy.map { $0.version >= source.version } ?? false ? .readModelDiffers : .readModelBehind
    }

    var detail: String {
        func text(_ row: ReadModelFacts?) -> String {
            row.map { "version \($0.version)\($0.isDeleted ? ", deleted" : "")" } ?? "no row"
        }
        return "source: \(text(source)); copy: \(text(copy))"
    }
}

private struct ReadModelLook: Sendable {
    let sample: KeySample
    let settledBefore: Date

    /// The settled ones that are not the same on both sides. Without a copy a deleted one is as good as gone.
    func suspects(_ source: [ReadModelFacts], _ copy: [ReadModelFacts]) -> [ReadModelSuspect] {
        let sources = Dictionary(source.map { ($0.key, $0) }) { first, _ in first }
        let copies = Dictionary(copy.map { ($0.key, $0) }) { first, _ in first }
        return Set(sources.keys).union(copies.keys).filter { sample.contains(Array($0.utf8)) }.compactMap { key in
            let (source, copy) = (sources[key], copies[key])
            let changedAt = [source?.changedAt, copy?.changedAt].compactMap(\.self).max()
            guard let changedAt, changedAt < settledBefore else { return nil }
            if let source, let copy, source.isCopied(as: copy) { return nil }
            if copy == nil, source?.isDeleted == true { return nil }
            return ReadModelSuspect(key: key, source: source, copy: copy)
        }.sorted { $0.key.precedes($1.key) }
    }
}

extension ReadModelFacts {
    fileprivate func isCopied(as copy: ReadModelFacts) -> Bool {
        version == copy.version && isDeleted == copy.isDeleted && digest == copy.digest
    }
}

extension String {
    /// Byte by byte, as the databases sort keys.
    fileprivate func precedes(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
