import ClientSupport
import CoreMetrics
package import Logging
package import QuartetCore
import QuartetRoles
import ServiceLifecycle
import Synchronization

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

    /// Each account has a turn of its own, and what becomes of what was fetched has one beside them: who is slow holds up nobody
    /// else, but for the others of its source as soon as all places are taken.
    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withDiscardingTaskGroup { group in
                for sync in syncs { group.addTask { [self] in await takeTurns(sync) } }
                group.addTask { [self] in await again("using what was fetched", afterwards) }
            }
        }
    }

    private func takeTurns(_ sync: PageSync) async {
        let turns = Turns()
        let placeIsFree = WakeSignal()
        await withDiscardingTaskGroup { group in
            await again("syncing", orAt: placeIsFree) { [self] in
                for (account, kinds) in try await due(of: sync) {
                    guard turns.begin(account, atMost: configuration.accountsMax) else { continue }
                    group.addTask { [self] in
                        _ = await tryAgain("syncing") { _ = try await run(sync, account, kinds) }
                        if turns.end(account) { placeIsFree.ring() }
                    }
                }
                // Those that are paused are left out.
                for state in try await sync.states() where !state.isPaused {
                    SyncMetrics.unsynced(sync.source, state.account, state.kind).record(state.unsyncedSeconds)
                }
            }
        }
    }

    private func again(_ what: String, orAt signal: WakeSignal? = nil, _ body: () async throws -> Void) async {
        while await tryAgain(what, body) {
            do { try await pause(orUntil: signal) } catch { return }
        }
    }

    private func pause(orUntil signal: WakeSignal?) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [settings] in try await settings.wait { $0.pollInterval } }
            if let signal {
                group.addTask { while !Task.isCancelled, await !signal.wait(atMost: .seconds(60)) {} }
            }
            try await group.next()
            group.cancelAll()
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

    /// Syncs what is due now, several accounts at once, and waits for all of it; gives what came of it.
    @discardableResult
    package func runOnce() async throws -> [SyncReport] {
        var reports: [SyncReport] = []
        for sync in syncs {
            let due = try await due(of: sync)
            reports += try await withThrowingTaskGroup(of: [SyncReport].self) { group in
                var reports: [SyncReport] = []
                for (index, (account, kinds)) in due.enumerated() {
                    if index >= configuration.accountsMax { reports += try await group.next() ?? [] }
                    group.addTask { [self] in try await run(sync, account, kinds) }
                }
                for try await more in group { reports += more }
                return reports
            }
        }
        try await afterwards()
        return reports
    }

    private typealias DueList = (kind: SyncedList, isFull: Bool)

    /// By account, those first whose last turn is longest ago.
    private func due(of sync: PageSync) async throws -> [(account: String, kinds: [DueList])] {
        try await sync.due().reduce(into: []) { due, list in
            if due.last?.account != list.account { due.append((list.account, [])) }
            due[due.count - 1].kinds.append((list.kind, list.isFull))
        }
    }

    private func run(
        _ sync: PageSync, _ account: String, _ kinds: [DueList]
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

/// The accounts of a source that are being synced, and whether others wait for a place.
private final class Turns: Sendable {
    private struct State {
        var accounts: Set<String> = []
        var isSomeoneWaiting = false
    }

    private let state = Mutex(State())

    /// False for one that is at it, and for any when so many are.
    func begin(_ account: String, atMost count: Int) -> Bool {
        state.withLock { state in
            if state.accounts.contains(account) { return false }
            guard state.accounts.count < count else {
                state.isSomeoneWaiting = true
                return false
            }
            state.accounts.insert(account)
            return true
        }
    }

    /// Whether somebody waited for the place.
    func end(_ account: String) -> Bool {
        state.withLock { state in
            state.accounts.remove(account)
            defer { state.isSomeoneWaiting = false }
            return state.isSomeoneWaiting
        }
    }
}
