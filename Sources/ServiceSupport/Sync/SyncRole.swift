import ClientSupport
import CoreMetrics
package import Logging
package import QuartetCore
import QuartetRoles
import ServiceLifecycle

/// Syncs accounts as they are due. In any number of copies: leases keep them apart.
package final class SyncRole: Role {
    package let name = "sync"
    private let settings: Live<SyncConfiguration>
    private var configuration: SyncConfiguration { settings.now }
    private let syncs: [PageSync]
    private let logger: Logger
    private let afterwards: @Sendable () async throws -> Void

    /// - Parameter afterwards: what becomes of what was fetched, each time.
    package init(
        configuration: Live<SyncConfiguration>, syncs: [PageSync], logger: Logger,
        afterwards: @escaping @Sendable () async throws -> Void = {}
    ) {
        (settings, self.syncs, self.logger, self.afterwards) = (configuration, syncs, logger, afterwards)
    }

    /// Sources side by side, and beside them what becomes of what was fetched: a slow one holds up nobody else.
    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withDiscardingTaskGroup { group in
                for sync in syncs { group.addTask { [self] in await again("syncing", { try await run(sync) }) } }
                group.addTask { [self] in await again("using what was fetched", afterwards) }
            }
        }
    }

    private func again(_ what: String, _ body: () async throws -> Void) async {
        while await tryAgain(what, body) {
            do { try await settings.wait { $0.pollInterval } } catch { return }
        }
    }

    /// What fails is said, and waits for the next turn; false for one that was told to stop.
    private func tryAgain(_ what: String, _ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
        } catch is CancellationError {
            return false
        } catch {
            logger.warning("\(what) failed, trying again", metadata: ["error": "\(error)"])
        }
        return true
    }

    private func run(_ sync: PageSync) async throws {
        try await runOnce(sync)
        // Those that are paused are left out.
        for state in try await sync.states() where !state.isPaused {
            SyncMetrics.unsynced(sync.source, state.account, state.kind).record(state.unsyncedSeconds)
        }
    }

    /// Syncs what is due now; gives what came of it.
    @discardableResult
    package func runOnce() async throws -> [SyncReport] {
        var reports: [SyncReport] = []
        for sync in syncs { reports += try await runOnce(sync) }
        try await afterwards()
        return reports
    }

    /// Several accounts at once.
    @discardableResult
    private func runOnce(_ sync: PageSync) async throws -> [SyncReport] {
        let due = Dictionary(grouping: try await sync.due(), by: \.account).sorted { $0.key < $1.key }
        return try await withThrowingTaskGroup(of: [SyncReport].self) { group in
            var reports: [SyncReport] = []
            for (index, (account, kinds)) in due.enumerated() {
                if index >= configuration.accountsMax { reports += try await group.next() ?? [] }
                group.addTask { [self] in try await run(sync, account, kinds.map { ($0.kind, $0.isFull) }) }
            }
            for try await more in group { reports += more }
            return reports
        }
    }

    private func run(
        _ sync: PageSync, _ account: String, _ kinds: [(kind: SyncedList, isFull: Bool)]
    ) async throws -> [SyncReport] {
        var reports: [SyncReport] = []
        for isFull in [true, false] {
            let wanted = kinds.filter { $0.isFull == isFull }.map(\.kind)
            guard !wanted.isEmpty else { continue }
            do {
                reports += try await sync.run(account, kinds: wanted, isFull: isFull, waits: false)
            } catch let error as CancellationError {
                throw error
            } catch {
                // What is wrong with one does not stop the others.
                logger.warning("sync broke off", metadata: [sync.source.one: "\(account)", "error": "\(error)"])
            }
        }
        for report in reports { say(report, sync.source.one) }
        return reports
    }

    private func say(_ report: SyncReport, _ one: String) {
        logger.log(
            level: report.error == nil ? .info : .warning, report.error == nil ? "\(one) synced" : "sync broke off",
            metadata: [
                one: "\(report.account)", "kind": "\(report.kind.name)", "pages": "\(report.pages)",
                "met": "\(report.met)", "changed": "\(report.changed)", "refused": "\(report.refused)",
                "removed": "\(report.removed)", "error": "\(report.error ?? "")",
            ])
    }
}
