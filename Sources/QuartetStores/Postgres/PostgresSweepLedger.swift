import ClientSupport
import Foundation
import Postgres
import QuartetCore
import QuartetDatabases

/// The record of sweeps, written on the connection that holds the lock.
struct PostgresSweepLedger: SweepLedger {
    let session: PostgresSession
    let statements: SweepStatements

    func now() async throws -> (date: Date, transaction: UInt64) {
        let statement = PostgresStatement(
            "SELECT clock_timestamp(), pg_snapshot_xmin(pg_current_snapshot())", name: "now")
        return try await session.query(statement).single().decode(Date.self, UInt64.self)
    }

    /// A sweep whose row can't be read is none to go on from.
    func unfinished(_ options: SweepOptions) async throws -> Sweep? {
        try await run("unfinished", options.text).first.flatMap { try? Self.sweep($0) }
    }

    func lastFinished(full: Bool) async throws -> Sweep? {
        try await run("last_finished", full).first.flatMap { try? Self.sweep($0) }
    }

    func begin(_ sweep: Sweep, holder: String, retention: Duration) async throws {
        let isWhole =
            sweep.options.invariants.isSuperset(of: Invariant.allCases) && sweep.options.sample >= 1
            && (sweep.isFull || sweep.options.reach == .incremental)
        _ = try await run(
            "begin_sweep", sweep.id, holder, sweep.options.text, Self.json(sweep.options), isWhole, sweep.isFull,
            sweep.settledBefore, sweep.since, sweep.start.uuid, retention.seconds,
            Self.json(sweep.progress))
    }

    func resume(_ sweep: Sweep, holder: String) async throws {
        try await change("resume_sweep", sweep.id, holder, Int32(sweep.resumes))
    }

    func save(_ sweep: Sweep) async throws {
        try await change("save_sweep", sweep.id, Self.json(sweep.progress))
    }

    func record(_ findings: [Finding], of sweep: Sweep, alertsMax: Int) async throws {
        // One statement can't change a row twice.
        let unique = Dictionary(findings.map { ("\($0.kind.rawValue) \($0.key)", $0) }, uniquingKeysWith: { $1 }).values
        let rows = unique.sorted { ($0.kind.rawValue, $0.key) < ($1.kind.rawValue, $1.key) }
        _ = try await run(
            "record_findings", sweep.id, rows.map(\.kind.rawValue), rows.map { Self.text($0.key) },
            rows.map(\.invariant.rawValue), rows.map { Self.text($0.detail) }, rows.map(\.since),
            rows.map(\.isRepaired), rows.map { $0.repair.map { Self.text($0.action) } },
            rows.map { $0.repair.map { Self.text($0.before) } }, rows.map { $0.repair.map { Self.text($0.after) } },
            alertsMax)
    }

    func remaining(of sweep: UUID, limit: Int) async throws -> [RequestID] {
        let kinds = FindingKind.allCases.filter(\.isOfRequest).map(\.rawValue)
        return try await run("remaining", sweep, kinds, limit).compactMap {
            RequestID(try $0.decode(0, as: String.self))
        }
    }

    func finish(_ sweep: Sweep, examplesPerKind: Int) async throws -> SweepSummary {
        let counts = try await run("summary", sweep.id).compactMap { row -> SweepSummary.Kind? in
            let (invariant, kind, found, repaired, oldest) = try row.decode(
                String.self, String.self, Int.self, Int.self, Date?.self)
            guard let invariant = Invariant(rawValue: invariant), let kind = FindingKind(rawValue: kind) else {
                return nil
            }
            return SweepSummary.Kind(
                invariant: invariant, kind: kind, found: found, repaired: repaired, oldest: oldest, examples: [])
        }
        let examples = try await run("examples", sweep.id, counts.map(\.kind.rawValue), examplesPerKind)
            .compactMap(Self.finding)
        let total = counts.reduce(0) { $0 + $1.found }
        let repaired = counts.reduce(0) { $0 + $1.repaired }
        let times = try await run("finish_sweep", sweep.id, total, repaired, Self.json(sweep.progress)).single()
        let (startedAt, finishedAt) = try times.decode(Date.self, Date.self)
        return SweepSummary(
            startedAt: startedAt, finishedAt: finishedAt,
            kinds: counts.map { kind in
                SweepSummary.Kind(
                    invariant: kind.invariant, kind: kind.kind, found: kind.found, repaired: kind.repaired,
                    oldest: kind.oldest,
                    examples: examples.filter { $0.kind == kind.kind && $0.invariant == kind.invariant })
            })
    }

    private func run<each Parameter: PostgresEncodable>(
        _ name: String, _ parameters: repeat each Parameter
    ) async throws -> PostgresRows {
        let statement = try statements.named(name)
        return try await session.query(PostgresStatement(statement.sql, name: name, repeat each parameters))
    }

    /// Changes the sweep's row, which must still be running.
    private func change<each Parameter: PostgresEncodable>(
        _ name: String, _ parameters: repeat each Parameter
    ) async throws {
        guard try await run(name, repeat each parameters).affected == 1 else {
            throw PostgresStoreError(.contention, "the sweep was given up by another process")
        }
    }

    private static func sweep(_ row: PostgresRow) throws -> Sweep {
        let (id, settings, isFull, settledBefore, since, start, progress, resumes) = try row.decode(
            UUID.self, [UInt8].self, Bool.self, Date.self, Date?.self, UUID.self, [UInt8].self, Int.self)
        let decoder = JSONDecoder()
        return Sweep(
            id: id, options: try decoder.decode(SweepOptions.self, from: Data(settings)), isFull: isFull,
            settledBefore: settledBefore, since: since, start: RequestID(start),
            progress: try decoder.decode(SweepProgress.self, from: Data(progress)), resumes: resumes)
    }

    private static func finding(_ row: PostgresRow) throws -> Finding? {
        let (invariant, kind, key, detail, since, isRepaired, action, before, after) = try row.decode(
            String.self, String.self, String.self, String.self, Date?.self, Bool.self, String?.self, String?.self,
            String?.self)
        guard let invariant = Invariant(rawValue: invariant), let kind = FindingKind(rawValue: kind) else { return nil }
        let repair = action.map {
            Repair(action: $0, before: before ?? "", after: after ?? "", isDone: isRepaired)
        }
        return Finding(invariant: invariant, kind: kind, key: key, detail: detail, since: since, repair: repair)
    }

    private static func json(_ value: some Encodable) throws -> [UInt8] { Array(try JSONEncoder().encode(value)) }

    private static func text(_ text: String) -> String { StoredText.made(storable: text, bytesMax: 4096) }
}
