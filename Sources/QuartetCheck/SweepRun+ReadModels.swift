import Foundation
import QuartetCore

extension SweepRun {
    /// Users beside their copy, in the order of their ids, whatever the reach.
    func walkReadModels() async throws {
        let pacer = Pacer(workShare: configuration.workShare, time: time)
        let limit = configuration.requestsPerChunk
        let look = ReadModelLook(sample: sample, settledBefore: sweep.settledBefore)
        var after = sweep.progress[.readModels].after
        var isOver = false
        repeat {
            let (source, copy) = try await pacer.paced { [ports, after] in
                (
                    try await ports.readModels.source(behind: after, limit: limit),
                    try await ports.readModels.copy(behind: after, limit: limit)
                )
            }
            // A side that came to its limit may have more behind its last row, so the stretch ends there.
            let ends = [source, copy].filter { $0.count == limit }.compactMap(\.last?.id).map(RequestID.init)
            let through = ends.min() ?? .highest
            isOver = ends.isEmpty
            let suspects = look.suspects(
                source.filter { RequestID($0.id) <= through }, copy.filter { RequestID($0.id) <= through })
            sweep.progress[.readModels].rows += source.count { RequestID($0.id) <= through }
            if !suspects.isEmpty { try await lookTwice(at: suspects, look) }
            after = through.uuid
            sweep.progress[.readModels].after = after
            try await save(.readModels)
        } while !isOver
    }

    private func lookTwice(at suspects: [ReadModelSuspect], _ look: ReadModelLook) async throws {
        try await time.sleep(configuration.secondLookPause)
        let kinds = Dictionary(suspects.map { ($0.id, $0.kind) }) { first, _ in first }
        for part in suspects.map(\.id).parts(of: LookReader.idsMax) {
            // The copy first: what is newer at the source then is no fault of the copy's.
            let copy = try await ports.readModels.copy(part)
            let confirmed = look.suspects(try await ports.readModels.source(part), copy).filter {
                kinds[$0.id] == $0.kind
            }
            guard !confirmed.isEmpty else { continue }
            let repaired = sweep.options.repairs ? try await mend(confirmed, look) : nil
            try await report(
                confirmed.map { suspect in
                    Finding(
                        invariant: .i9, kind: suspect.kind, key: "users_view/\(suspect.id.uuidString.lowercased())",
                        detail: suspect.detail, since: suspect.source?.changedAt ?? suspect.copy?.changedAt,
                        repair: repaired.map {
                            Repair(
                                action: suspect.source == nil ? "row removed" : "row copied again",
                                before: suspect.detail, after: $0[suspect.id] ?? "equal",
                                isDone: $0[suspect.id] == nil)
                        })
                })
        }
    }

    /// Copies rows again; returns what is wrong with those that are not equal then.
    private func mend(_ confirmed: [ReadModelSuspect], _ look: ReadModelLook) async throws -> [UUID: String] {
        try await ports.readModels.replace(
            confirmed.compactMap(\.source), removing: confirmed.filter { $0.source == nil }.map(\.id),
            seen: confirmed.compactMap(\.copy))
        let ids = confirmed.map(\.id)
        let copy = try await ports.readModels.copy(ids)
        let left = look.suspects(try await ports.readModels.source(ids), copy)
        return Dictionary(left.map { ($0.id, $0.detail) }) { first, _ in first }
    }
}

/// A row and its copy that are not the same.
private struct ReadModelSuspect: Sendable {
    let id: UUID
    let source: User?
    let copy: User?

    var kind: FindingKind {
        guard let source else { return .readModelDiffers }
        return copy.map { $0.version >= source.version } ?? false ? .readModelDiffers : .readModelBehind
    }

    var detail: String {
        func text(_ user: User?) -> String {
            user.map { "version \($0.version)\($0.isDeleted ? ", deleted" : "")" } ?? "no row"
        }
        return "source: \(text(source)); copy: \(text(copy))"
    }
}

private struct ReadModelLook: Sendable {
    let sample: KeySample
    let settledBefore: Date

    /// The settled ones that are not the same on both sides. Without a copy a deleted one is as good as gone.
    func suspects(_ source: [User], _ copy: [User]) -> [ReadModelSuspect] {
        let sources = Dictionary(source.map { ($0.id, $0) }) { first, _ in first }
        let copies = Dictionary(copy.map { ($0.id, $0) }) { first, _ in first }
        return Set(sources.keys).union(copies.keys).filter { sample.contains(Array($0.uuidString.utf8)) }.compactMap {
            id in
            let (source, copy) = (sources[id], copies[id])
            let changedAt = [source?.changedAt, copy?.changedAt].compactMap(\.self).max()
            guard let changedAt, changedAt < settledBefore else { return nil }
            if let source, let copy, source.isCopied(as: copy) { return nil }
            if copy == nil, source?.isDeleted == true { return nil }
            return ReadModelSuspect(id: id, source: source, copy: copy)
        }.sorted { RequestID($0.id) < RequestID($1.id) }
    }
}

extension User {
    /// What was deleted has nothing but its version.
    fileprivate func isCopied(as copy: User) -> Bool {
        guard version == copy.version, isDeleted == copy.isDeleted else { return false }
        return isDeleted
            || (nickname == copy.nickname && name == copy.name && email == copy.email
                && profileImage == copy.profileImage)
    }
}
