import ClientSupport
package import Foundation
package import Logging
import Metrics
package import QuartetCore
package import QuartetDatabases

/// How far a run is.
package struct SyncProgress: Sendable {
    package let kind: SyncedList
    package let pages: Int
    package let met: Int
    package let changed: Int
}

/// How the passes over one list of an account stand.
package struct SyncState: Sendable, Encodable {
    package let account: String
    package let kind: SyncedList
    package let isPaused: Bool
    /// When the last pass was over, and the last full one; nil for never.
    package let syncedAt: Date?
    package let fullAt: Date?
    /// Rows that the pass which is under way has met; nil if none is.
    package let openPassMet: Int?
    /// Who works on it.
    package let holder: String?
    /// Why the last run failed, if it did.
    package let lastError: String?
    /// Since the last pass, or since the account was made.
    package let unsyncedSeconds: Double
}

/// What came of one run over a list.
package struct SyncReport: Sendable, Encodable {
    package let account: String
    package let kind: SyncedList
    package var isFull: Bool
    package var pages = 0
    /// Rows that the pages had, of those which this run took.
    package var met = 0
    package var changed = 0
    package var refused = 0
    package var removed = 0
    package var seconds = 0.0
    /// Why it broke off; what came before is kept, and the next run goes on from there.
    package var error: String?
}

/// Fetches what accounts list, page by page, into the raw tables. Killed anywhere, the next run goes on where it was.
package struct PageSync: Sendable {
    private let settings: Live<SyncConfiguration>
    private var configuration: SyncConfiguration { settings.now }
    private let transport: any PageTransport
    private let store: SyncStore
    private let process: String
    private let logger: Logger
    private let pause: @Sendable (Duration) async throws -> Void

    package let source: SyncSource

    /// - Parameter process: who it is, for others who find it at work.
    package init(
        _ source: SyncSource, databases: Databases, transport: any PageTransport,
        configuration: Live<SyncConfiguration>, process: String,
        logger: Logger,
        pause: @escaping @Sendable (Duration) async throws -> Void = {
            try await ContinuousClock().sleep(until: .now.advanced(by: $0))
        }
    ) throws {
        self.source = source
        store = try SyncStore(source, databases: databases, leaseDuration: configuration.now.leaseDuration)
        (self.transport, settings, self.process) = (transport, configuration, process)
        (self.logger, self.pause) = (logger, pause)
    }

    /// Syncs lists of an account, all unless they are named, one after the other; one that breaks off does not stop the others.
    ///
    /// - Parameter waits: whether a lease that somebody holds is waited for, if he lets it pass.
    /// - Throws: `SyncError` if there is no such account; what the database reports.
    package func run(
        _ account: String, kinds: [SyncedList]? = nil, isFull: Bool = false, waits: Bool = true,
        observe: @Sendable (SyncProgress) -> Void = { _ in }
    ) async throws -> [SyncReport] {
        guard let found = try await store.account(account) else {
            throw SyncError(.noAccount, "there is no \(source.one) account \(account)")
        }
        let client = PageClient(found, configuration: settings, transport: transport, pause: pause)
        var reports: [SyncReport] = []
        for kind in kinds ?? source.lists {
            reports.append(try await run(kind, of: account, client, isFull: isFull, waits: waits, observe))
        }
        try await store.purgeLog(retention: configuration.logRetention)
        return reports
    }

    /// How every account's passes stand.
    package func states() async throws -> [SyncState] { try await store.states() }

    /// What is due of which account, for the role.
    func due() async throws -> [(account: String, kind: SyncedList, isFull: Bool)] {
        try await store.due(interval: configuration.interval, fullInterval: configuration.fullInterval)
    }

    private func run(
        _ kind: SyncedList, of account: String, _ client: PageClient, isFull: Bool, waits: Bool,
        _ observe: @Sendable (SyncProgress) -> Void
    ) async throws -> SyncReport {
        let job = UUIDv7.make().uuidString.lowercased()
        let run = SyncRun(account: account, kind: kind, job: job, holder: "\(process), job \(job)")
        let start = ContinuousClock.now
        var report = SyncReport(account: account, kind: kind, isFull: isFull)
        do {
            guard let pass = try await claim(run, isFull: isFull, waits: waits) else {
                let holder = try await store.holder(of: kind, account)?.name ?? "somebody"
                throw SyncError(.busy, "\(holder) syncs it now")
            }
            report.isFull = pass.isFull
            try await pages(of: pass, run, client, &report, observe)
        } catch let error as SyncError {
            report.error = error.message
            SyncMetrics.failures(source, account, kind).increment()
        }
        report.seconds = start.duration(to: .now) / .seconds(1)
        return report
    }

    /// A lease that its holder does not renew any longer is waited for.
    private func claim(_ run: SyncRun, isFull: Bool, waits: Bool) async throws -> SyncPass? {
        var until: ContinuousClock.Instant?
        while true {
            if let pass = try await store.claim(run, isFull: isFull) { return pass }
            guard waits, let holder = try await store.holder(of: run.kind, run.account) else {
                if waits { continue }
                return nil
            }
            let end = ContinuousClock.now.advanced(by: holder.remaining)
            // Renewed meanwhile: he lives.
            if let until, end > until.advanced(by: .milliseconds(100)) { return nil }
            until = until ?? end
            try await ContinuousClock().sleep(until: min(end, .now.advanced(by: .milliseconds(200))))
        }
    }

    /// Until the pass is over, with the lease renewed meanwhile.
    private func pages(
        of pass: SyncPass, _ run: SyncRun, _ client: PageClient, _ report: inout SyncReport,
        _ observe: @Sendable (SyncProgress) -> Void
    ) async throws {
        let renewing = Task { try await renew(run) }
        var walk = SyncWalk(pass: pass, report: report)
        let outcome: Result<Void, any Error>
        do {
            try await self.walk(&walk, run, client, observe)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        renewing.cancel()
        _ = await renewing.result
        report = walk.report
        guard case .failure(let error) = outcome else { return }
        // Also for a caller that was cancelled: the next run need not wait.
        let (cursor, reason) = (walk.pass.cursor, error as? SyncError)
        await Task {
            do {
                try await store.letGo(run, at: cursor, error: reason)
            } catch {
                logger.warning("a lease is left to pass", metadata: ["job": "\(run.job)", "error": "\(error)"])
            }
        }.value
        throw error
    }

    private func renew(_ run: SyncRun) async throws {
        while !Task.isCancelled {
            try await ContinuousClock().sleep(until: .now.advanced(by: configuration.leaseDuration / 3))
            do {
                guard try await store.renew(run) else { return }
            } catch {
                // The page that is being written renews it as well; and without it nothing is written.
                logger.debug("lease not renewed", metadata: ["job": "\(run.job)", "error": "\(error)"])
            }
        }
    }

    private func walk(
        _ walk: inout SyncWalk, _ run: SyncRun, _ client: PageClient, _ observe: @Sendable (SyncProgress) -> Void
    ) async throws {
        var hasBegunAgain = false
        while !walk.pass.isListed {
            let page: FetchedPage
            do {
                page = try await client.page(of: run.kind, cursor: walk.pass.cursor, since: walk.pass.since)
            } catch let error as SyncError where error.code == .cursorGone && !hasBegunAgain {
                try await store.beginAgain(run)
                walk.beginAgain()
                hasBegunAgain = true
                continue
            }
            Failpoint.syncPageFetched.reached()
            let taken = try await store.take(page, at: walk.pass, of: run)
            Failpoint.syncPageStored.reached()
            SyncMetrics.rows(source, run.account, run.kind).increment(by: taken.changed)
            try walk.advance(page, taken, pagesMax: configuration.pagesMax)
            observe(
                SyncProgress(
                    kind: run.kind, pages: walk.report.pages, met: walk.report.met, changed: walk.report.changed))
        }
        if walk.pass.isFull {
            walk.report.removed = Int(try await removeUnmet(walk.pass, run))
        }
        try await store.end(run)
        Failpoint.syncPassEnded.reached()
    }
}

extension PageSync {
    /// What a full pass did not meet is gone, where that can be told.
    private func removeUnmet(_ pass: SyncPass, _ run: SyncRun) async throws -> Int64 {
        // One that lists nothing is more likely broken than out of everything.
        guard pass.met > 0 else {
            guard run.kind.removed != nil, try await store.hasRows(run) else { return 0 }
            throw SyncError(
                .nothingListed, "it lists no \(run.kind.name), where it listed some before: none is taken for gone")
        }
        guard pass.unnamed == 0 else {
            logger.warning(
                "rows without an id that can be read: what is not listed any more can't be told, and stays",
                metadata: ["account": "\(run.account)", "kind": "\(run.kind.name)", "rows": "\(pass.unnamed)"])
            return 0
        }
        return try await store.removeUnmet(pass, of: run)
    }
}

/// A pass on its way through the pages.
private struct SyncWalk {
    private(set) var pass: SyncPass
    var report: SyncReport
    private var cursors: Set<String>

    init(pass: SyncPass, report: SyncReport) {
        (self.pass, self.report) = (pass, report)
        cursors = pass.cursor.map { [$0] } ?? []
    }

    mutating func beginAgain() {
        (pass.cursor, pass.isListed, pass.met, pass.unnamed) = (nil, false, 0, 0)
        cursors = []
    }

    /// Behind a page that is stored.
    mutating func advance(_ page: FetchedPage, _ taken: SyncStore.Taken, pagesMax: Int) throws {
        report.pages += 1
        report.met += page.count
        report.changed += Int(taken.changed)
        report.refused += taken.refused.count
        pass.met += Int64(page.count)
        pass.unnamed += Int64(page.unnamed)
        pass.cursor = page.next
        pass.isListed = page.next == nil
        guard let next = page.next else { return }
        guard cursors.insert(next).inserted, report.pages < pagesMax else {
            throw SyncError(
                .ring, "the pages do not end: a cursor came again, or there are over \(pagesMax) pages")
        }
    }
}

/// Every metric of the sync.
enum SyncMetrics {
    /// Since an account's last pass was over.
    static func unsynced(_ source: SyncSource, _ account: String, _ kind: SyncedList) -> Gauge {
        Gauge(label: "quartet_\(source.one)_unsynced_seconds", dimensions: dimensions(source, account, kind))
    }

    static func rows(_ source: SyncSource, _ account: String, _ kind: SyncedList) -> Counter {
        Counter(label: "quartet_\(source.one)_rows_changed_total", dimensions: dimensions(source, account, kind))
    }

    static func failures(_ source: SyncSource, _ account: String, _ kind: SyncedList) -> Counter {
        Counter(label: "quartet_\(source.one)_syncs_failed_total", dimensions: dimensions(source, account, kind))
    }

    private static func dimensions(
        _ source: SyncSource, _ account: String, _ kind: SyncedList
    ) -> [(String, String)] {
        [(source.one, account), ("kind", kind.name)]
    }
}
