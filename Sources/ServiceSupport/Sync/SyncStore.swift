import ClientSupport
import Foundation
import Postgres
import QuartetDatabases

/// What one run works on: a list of an account, by right of a lease.
struct SyncRun: Sendable {
    let account: String
    let kind: SyncedList
    let job: String
    let holder: String
}

/// A pass over the pages of a list, as far as it is.
struct SyncPass: Sendable {
    let number: Int64
    let isFull: Bool
    var cursor: String?
    var isListed: Bool
    /// Rows that it met, and how many of those nobody can tell from others.
    var met: Int64
    var unnamed: Int64
    let since: String?
}

/// Passes, jobs and rows in PostgreSQL. What a run writes takes effect only while its lease is its own.
struct SyncStore: Sendable {
    private static let rowsPerRemoval = 1_000
    private static let entriesPerPurge = 10_000

    private let statements: StatementSet
    private let rows: [SyncedList: StatementSet]
    private let leaseMilliseconds: Int64

    private let source: SyncSource

    init(_ source: SyncSource, databases: Databases, leaseDuration: Duration) throws {
        self.source = source
        leaseMilliseconds = Int64(leaseDuration.wholeMilliseconds)
        statements = try databases.statements(in: source.file(), of: source.schema)
        rows = try source.lists.reduce(into: [:]) { rows, list in
            rows[list] = try databases.statements(in: source.file(of: list), of: source.schema)
        }
    }

    private func statement(_ name: String) throws -> StoreStatement { try statements.named(name) }

    private func statement(_ name: String, _ kind: SyncedList) throws -> StoreStatement {
        guard let set = rows[kind] else { throw SyncError(.lost, "no table of \(kind.name)") }
        return try set.named(name)
    }

    // MARK: Accounts

    /// Nil if there is none.
    func account(_ id: String) async throws -> SyncAccount? {
        try await statement("account").run(id).first.map { row in
            let (id, url, token, rate, isPaused) = try row.decode(
                String.self, String.self, String?.self, Int64?.self, Bool.self)
            return SyncAccount(
                of: source.one, id: id, url: url, token: token, requestsPerSecond: rate.map(Int.init),
                isPaused: isPaused)
        }
    }

    /// What of which account is to be synced now, and whether wholly.
    func due(
        interval: Duration, fullInterval: Duration
    ) async throws -> [(account: String, kind: SyncedList, isFull: Bool)] {
        let rows = try await statement("due").run(
            source.lists.map(\.name), Int64(interval.wholeMilliseconds),
            Int64(fullInterval.wholeMilliseconds), leaseMilliseconds)
        return try rows.compactMap { row in
            let (account, kind, isFull) = try row.decode(String.self, String.self, Bool.self)
            return source.list(kind).map { (account, $0, isFull) }
        }
    }

    func states() async throws -> [SyncState] {
        try await statement("status").run(source.lists.map(\.name)).compactMap { row in
            let (account, kind, isPaused, syncedAt, fullAt, isOpen, met, holder, error, seconds) = try row.decode(
                String.self, String.self, Bool.self, Date?.self, Date?.self, Bool.self, Int64.self, String?.self,
                String?.self, Double.self)
            return source.list(kind).map {
                SyncState(
                    account: account, kind: $0, isPaused: isPaused, syncedAt: syncedAt, fullAt: fullAt,
                    openPassMet: isOpen ? Int(met) : nil, holder: holder, lastError: error, unsyncedSeconds: seconds)
            }
        }
    }

    // MARK: The lease

    /// Nil if somebody else has it.
    func claim(_ run: SyncRun, isFull: Bool) async throws -> SyncPass? {
        let claim = try statement("claim")
        let openJob = try statement("open_job")
        return try await claim.transaction { work in
            let row = try await work.run(
                claim, run.account, run.kind.name, run.holder, leaseMilliseconds, isFull
            ).first
            guard let row else { return nil }
            let (number, isFull, cursor, isListed, met, unnamed, since) = try row.decode(
                Int64.self, Bool.self, String?.self, Bool.self, Int64.self, Int64.self, String?.self)
            _ = try await work.run(openJob, run.job, run.account, run.kind.name, isFull)
            return SyncPass(
                number: number, isFull: isFull, cursor: cursor, isListed: isListed, met: met, unnamed: unnamed,
                since: since)
        }
    }

    /// Who has it, and for how long yet; nil if nobody does.
    func holder(of kind: SyncedList, _ account: String) async throws -> (name: String, remaining: Duration)? {
        try await statement("holder").run(account, kind.name, leaseMilliseconds).first.map { row in
            let (name, seconds) = try row.decode(String.self, Double.self)
            return (name, .seconds(seconds))
        }
    }

    /// False if it is somebody else's by now.
    func renew(_ run: SyncRun) async throws -> Bool {
        try await !statement("renew").run(run.account, run.kind.name, run.holder, leaseMilliseconds).isEmpty
    }

    // MARK: Pages

    struct Taken: Sendable {
        let changed: Int64
        let refused: [RefusedRow]
    }

    /// Writes what a page changes, what is noted of it and where the pass goes on, all or nothing.
    func take(_ page: FetchedPage, at pass: SyncPass, of run: SyncRun) async throws -> Taken {
        do {
            return try await write(page, at: pass, of: run)
        } catch let error as PostgresError where Self.isOfValue(error) {
            return try await write(withoutImpossible(page, of: run.kind), at: pass, of: run)
        }
    }

    private func write(_ page: FetchedPage, at pass: SyncPass, of run: SyncRun) async throws -> Taken {
        let (advance, count) = (try statement("advance"), try statement("count"))
        let (note, noteRefused) = (try statement("note"), try statement("note_refused"))
        let (put, meet) = (try statement("put", run.kind), try statement("meet", run.kind))
        return try await advance.transaction { work in
            let isOurs = try await !work.run(
                advance, run.account, run.kind.name, run.holder, leaseMilliseconds, page.next, page.count,
                page.asOf, page.unnamed
            ).isEmpty
            guard isOurs else { throw Self.lost }
            let changed = try await work.run(
                put, page.rows.map(\.key), page.rows.map(\.id), page.rows.map(\.payload), run.account,
                pass.isFull ? pass.number : nil
            ).single().decode(0, as: Int64.self)
            // What can't be taken is listed all the same.
            let met = page.refused.compactMap(\.key)
            if pass.isFull, !met.isEmpty { _ = try await work.run(meet, met, pass.number) }
            _ = try await work.run(count, run.job, 1, page.count, changed, page.refused.count, 0)
            _ = try await work.run(
                note, run.account, run.kind.name, run.job, pass.cursor, page.bytes, page.count, changed,
                String?.none)
            if !page.refused.isEmpty {
                _ = try await work.run(
                    noteRefused, run.account, run.kind.name, run.job, pass.cursor, page.refused.map(\.id),
                    page.refused.map(\.problem))
            }
            return Taken(changed: changed, refused: page.refused)
        }
    }

    /// The page with the rows refused that PostgreSQL can't keep: U+0000 in a text, a number beyond all bounds.
    private func withoutImpossible(_ page: FetchedPage, of kind: SyncedList) async throws -> FetchedPage {
        let check = try statement("check", kind)
        var page = page
        let rows = page.rows
        page.rows = []
        for row in rows {
            do {
                _ = try await check.run(row.payload)
                page.rows.append(row)
            } catch let error as PostgresError where Self.isOfValue(error) {
                let problem = StoredText.made(
                    storable: "can't be kept: \(error.message)", bytesMax: RefusedRow.problemBytesMax)
                page.refused.append(RefusedRow(key: row.key, id: row.id, problem: problem))
            }
        }
        return page
    }

    /// What the value is, and no outage: class 22 is data, 54 a limit.
    private static func isOfValue(_ error: PostgresError) -> Bool {
        guard let state = error.sqlState else { return false }
        return state.hasPrefix("22") || state.hasPrefix("54")
    }

    static let lost = SyncError(.lost, "the lease was lost to somebody else")

    /// Makes the pass begin again from its first page.
    func beginAgain(_ run: SyncRun) async throws {
        let rows = try await statement("begin_again").run(run.account, run.kind.name, run.holder)
        guard !rows.isEmpty else { throw Self.lost }
    }

    // MARK: The end

    /// Whether anything that the account listed is there.
    func hasRows(_ run: SyncRun) async throws -> Bool {
        try await !statement("has_rows", run.kind).run(run.account).isEmpty
    }

    /// Marks rows that a full pass did not meet as gone; gives how many.
    func removeUnmet(_ pass: SyncPass, of run: SyncRun) async throws -> Int64 {
        let (renew, count) = (try statement("renew"), try statement("count"))
        let remove = try statement("remove_unmet", run.kind)
        var (after, removed): (String?, Int64) = ("", 0)
        while let key = after {
            try Task.checkCancellation()
            let (last, gone) = try await renew.transaction { work -> (String?, Int64) in
                let isOurs = try await !work.run(
                    renew, run.account, run.kind.name, run.holder, leaseMilliseconds
                ).isEmpty
                guard isOurs else { throw Self.lost }
                let (last, gone, _) = try await work.run(
                    remove, run.account, key, pass.number, Self.rowsPerRemoval
                ).single().decode(String?.self, Int64.self, Int64.self)
                if gone > 0 { _ = try await work.run(count, run.job, 0, 0, 0, 0, gone) }
                return (last, gone)
            }
            (after, removed) = (last, removed + gone)
        }
        return removed
    }

    /// The pass is over.
    func end(_ run: SyncRun) async throws {
        let (endPass, closeJob) = (try statement("end_pass"), try statement("close_job"))
        try await endPass.transaction { work in
            let isOurs = try await !work.run(endPass, run.account, run.kind.name, run.holder).isEmpty
            guard isOurs else { throw Self.lost }
            _ = try await work.run(closeJob, run.job, "done", String?.none)
        }
    }

    /// The run is over and the pass is not: the next run goes on with it, or begins anew if it is of no use.
    ///
    /// - Parameter error: why; nil for a run that was told to stop.
    func letGo(_ run: SyncRun, at cursor: String?, error: SyncError?) async throws {
        let (letGo, closeJob, note) = (try statement("let_go"), try statement("close_job"), try statement("note"))
        try await letGo.transaction { work in
            let problem = error.map { StoredText.made(storable: $0.message, bytesMax: 1_024) }
            _ = try await work.run(
                letGo, run.account, run.kind.name, run.holder, error?.endsThePass ?? false, problem)
            _ = try await work.run(closeJob, run.job, problem == nil ? "interrupted" : "failed", problem)
            guard let problem else { return }
            _ = try await work.run(
                note, run.account, run.kind.name, run.job, cursor, Int64?.none, Int64?.none, Int64?.none,
                problem)
        }
    }

    func purgeLog(retention: Duration) async throws {
        _ = try await statement("purge_log").runAlone(
            Int64(retention.wholeMilliseconds), Self.entriesPerPurge)
    }
}
