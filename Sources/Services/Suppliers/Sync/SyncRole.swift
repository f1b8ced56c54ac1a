import ClientSupport
import CoreMetrics
package import Logging
package import QuartetCore
import QuartetRoles
import ServiceLifecycle

/// Syncs suppliers as they are due. In any number of copies: leases keep them apart.
package final class SyncRole: Role {
    package let name = "sync"
    private let settings: Live<SyncConfiguration>
    private var configuration: SyncConfiguration { settings.now }
    private let sync: SupplierSync
    private let logger: Logger

    package init(configuration: Live<SyncConfiguration>, sync: SupplierSync, logger: Logger) {
        (settings, self.sync, self.logger) = (configuration, sync, logger)
    }

    package func run() async throws {
        try? await cancelWhenGracefulShutdown { [self] in
            while true {
                do {
                    try await runOnce()
                    try await tell()
                } catch is CancellationError {
                    return
                } catch {
                    logger.warning("syncing suppliers failed, trying again", metadata: ["error": "\(error)"])
                }
                try await settings.wait { $0.pollInterval }
            }
        }
    }

    /// Syncs what is due now, several suppliers at once; gives what came of it.
    @discardableResult
    package func runOnce() async throws -> [SyncReport] {
        let due = Dictionary(grouping: try await sync.due(), by: \.supplier).sorted { $0.key < $1.key }
        return try await withThrowingTaskGroup(of: [SyncReport].self) { group in
            var reports: [SyncReport] = []
            for (index, (supplier, kinds)) in due.enumerated() {
                if index >= configuration.suppliersMax { reports += try await group.next() ?? [] }
                group.addTask { [self] in try await run(supplier, kinds.map { ($0.kind, $0.isFull) }) }
            }
            for try await more in group { reports += more }
            return reports
        }
    }

    /// Says for how long each was not synced, those that are paused left out.
    private func tell() async throws {
        for state in try await sync.states() where !state.isPaused {
            SyncMetrics.unsynced(state.supplier, state.kind).record(state.unsyncedSeconds)
        }
    }

    private func run(_ supplier: String, _ kinds: [(kind: SupplierKind, isFull: Bool)]) async throws -> [SyncReport] {
        var reports: [SyncReport] = []
        for isFull in [true, false] {
            let wanted = kinds.filter { $0.isFull == isFull }.map(\.kind)
            guard !wanted.isEmpty else { continue }
            do {
                reports += try await sync.run(supplier, kinds: wanted, isFull: isFull, waits: false)
            } catch let error as CancellationError {
                throw error
            } catch {
                // What is wrong with one does not stop the others.
                logger.warning("sync broke off", metadata: ["supplier": "\(supplier)", "error": "\(error)"])
            }
        }
        for report in reports { say(report) }
        return reports
    }

    private func say(_ report: SyncReport) {
        logger.log(
            level: report.error == nil ? .info : .warning, report.error == nil ? "supplier synced" : "sync broke off",
            metadata: [
                "supplier": "\(report.supplier)", "kind": "\(report.kind.rawValue)", "pages": "\(report.pages)",
                "met": "\(report.met)", "changed": "\(report.changed)", "refused": "\(report.refused)",
                "removed": "\(report.removed)", "error": "\(report.error ?? "")",
            ])
    }
}
