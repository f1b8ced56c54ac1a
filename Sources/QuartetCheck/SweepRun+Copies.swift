import ClientSupport
import Foundation
import QuartetCore
import Synchronization

extension SweepRun {
    // MARK: Outbox

    func lookAtOutbox(cursorsBefore: [SweepProgress.Cursor]) async throws {
        let cursors = try await ports.outboxes.cursors()
        sweep.progress[.outbox].rows = cursors.count
        let first = try await ports.outboxes.waiting(before: sweep.settledBefore)
        let retreats = Self.retreats(from: cursorsBefore, to: cursors)
        if !first.isEmpty { try await time.sleep(configuration.secondLookPause) }
        let waiting = first.isEmpty ? [] : try await ports.outboxes.waiting(before: sweep.settledBefore)
        let seen = Set(first.map(\.key))
        var findings = waiting.filter { seen.contains($0.key) }.map { rows in
            Finding(
                invariant: .i7, kind: .outboxWaiting, key: rows.key,
                detail: "\(rows.count) rows wait, the first of type \(rows.firstType)", since: rows.oldest)
        }
        if sweep.options.repairs, !findings.isEmpty {
            findings = try await OutboxRepairer(outboxes: ports.outboxes, time: time, logger: logger)
                .mend(findings, before: sweep.settledBefore, pause: configuration.secondLookPause)
        }
        findings += retreats.map { before, after in
            var finding = Finding(
                invariant: .i7, kind: .cursorWentBack, key: before.key,
                detail: "was \(before.text), is \(after.map(\.text) ?? "gone")", since: nil)
            if sweep.options.repairs {
                finding.repair = Repair(
                    action: "none needed: rows are delivered again, which changes nothing", before: before.text,
                    after: after.map(\.text) ?? "at the beginning", isDone: true)
            }
            return finding
        }
        sweep.progress.cursors = try await ports.outboxes.cursors()
        try await report(findings)
    }

    private static func retreats(
        from before: [SweepProgress.Cursor], to after: [SweepProgress.Cursor]
    ) -> [(SweepProgress.Cursor, SweepProgress.Cursor?)] {
        before.compactMap { old in
            let new = after.first { $0.key == old.key }
            return new.map { $0.epoch != old.epoch || $0.position >= old.position } == true ? nil : (old, new)
        }
    }

    // MARK: Caches

    func walkCaches() async throws {
        let found = Mutex<(keys: Int, suspects: Set<[UInt8]>)>((0, []))
        let size = configuration.keysPerChunk
        let pacer = Pacer(workShare: configuration.workShare, time: time)
        let looks = CacheLook(caches: ports.caches, sample: sample, settledBefore: sweep.settledBefore)
        let suspectsMax = configuration.suspectsMax
        try await ports.caches.forEachPage(size: size) { page in
            try await pacer.paced {
                let suspects = try await looks.findings(page).map { Array($0.name) }
                found.withLock { found in
                    found.keys += page.count
                    // What does not fit is the next sweep's.
                    for name in suspects where found.suspects.count < suspectsMax { found.suspects.insert(name) }
                }
            }
        }
        let (keys, suspects) = found.withLock { $0 }
        sweep.progress[.caches].rows += keys
        guard !suspects.isEmpty else { return }
        try await time.sleep(configuration.secondLookPause)
        for part in suspects.sorted(by: { $0.lexicographicallyPrecedes($1) }).parts(of: size) {
            let present = try await ports.caches.keys(part).compactMap { $0 }
            var found = try await looks.findings(present)
            if sweep.options.repairs, !found.isEmpty {
                found = try await CacheRepairer(ports: ports, looks: looks).mend(found)
            }
            try await report(found.map(\.finding))
        }
    }
}

extension SweepProgress.Cursor {
    var text: String { "\(position)" }
}

/// A key of Redis about which something is wrong.
struct CacheSuspect: Sendable {
    let name: [UInt8]
    let entry: (key: CacheKey, version: Int64)?
    /// Of the row behind the entry.
    let rowVersion: Int64?
    var finding: Finding
}

/// Compares cache entries with their rows, and looks whether keys expire.
struct CacheLook: Sendable {
    let caches: any CacheCheckStore
    let sample: KeySample
    let settledBefore: Date

    func findings(_ page: [CachedKey]) async throws -> [CacheSuspect] {
        let keys = page.filter { sample.contains($0.name) }
        let entries = keys.filter { $0.entry != nil }
        let rows = try await caches.rows(of: entries.compactMap(\.entry?.key))
        var suspects = zip(entries, rows).compactMap { key, row in suspect(key, row) }
        suspects += keys.filter { !$0.expires }.map { key in
            CacheSuspect(
                name: key.name, entry: key.entry, rowVersion: nil,
                finding: finding(.keyWithoutExpiry, key, "has no time to live", since: nil))
        }
        return suspects
    }

    private func suspect(_ key: CachedKey, _ row: (version: Int64, since: Date)?) -> CacheSuspect? {
        guard let entry = key.entry else { return nil }
        guard let row else {
            return CacheSuspect(
                name: key.name, entry: entry, rowVersion: nil,
                finding: finding(.cacheWithoutRow, key, "version \(entry.version), no row", since: nil))
        }
        guard entry.version <= row.version else {
            // Rows are read after the entry: its row has been removed, and an older one is left.
            let detail = "version \(entry.version), the newest row has \(row.version)"
            return CacheSuspect(
                name: key.name, entry: entry, rowVersion: row.version,
                finding: finding(.cacheWithoutRow, key, detail, since: nil))
        }
        guard entry.version < row.version, row.since < settledBefore else { return nil }
        let detail = "version \(entry.version), its row has \(row.version)"
        return CacheSuspect(
            name: key.name, entry: entry, rowVersion: row.version,
            finding: finding(.cacheStale, key, detail, since: row.since))
    }

    private func finding(_ kind: FindingKind, _ key: CachedKey, _ detail: String, since: Date?) -> Finding {
        Finding(
            invariant: .i8, kind: kind, key: String(decoding: key.name, as: UTF8.self), detail: detail, since: since)
    }
}
