import Foundation
import QuartetDatabases
import QuartetStack
import Suppliers
import SystemTesting
import Testing

@testable import QuartetService

/// `quartet sync`, killed at any page, goes on where it was.
@Suite("Killed syncs", .timeLimit(.minutes(5))) struct SupplierKillTests {
    @Test("no row is lost, none is taken twice, and what is gone is found")
    func killed() async throws {
        try await House.open(.threeDatabases) { house in
            let supplier = SupplierServer(["items": SupplierServer.items(30)])
            try await supplier.serve { url in
                try await house.account(url: url)
                let folder = try TemporaryFolder.make()
                defer { try? FileManager.default.removeItem(at: folder) }
                let plain = try await house.quartetSync(folder)
                #expect(plain.end == .status(0), "\(plain.lastWords)")
                #expect(plain.output.contains("acme items: 30 met in 6 pages, 30 changed, 0 refused in"))

                // Ten have another price, five are gone.
                supplier.change { state in
                    state.rows["items"] = (1...25).map { SupplierServer.item($0, price: $0 <= 10 ? 900 : 1_000) }
                }
                var kills = 0
                while try await house.value("SELECT (is_open OR pass = 1)::text FROM {supplier_sync_state}") == "true" {
                    let point = ["sync.page_fetched@2", "sync.page_stored"][kills % 2]
                    let run = try await house.quartetSync(folder, ["--full"], "\(point),sync.pass_ended")
                    #expect(run.end == .signal(SIGKILL), "\(run.lastWords)")
                    kills += 1
                    try #require(kills < 20)
                }
                #expect(kills >= 5)
                let events = try await house.events(of: .supplierItemRaw)
                #expect(events.count == 45 && events.count { $0.hasPrefix("suppliers.item.removed") } == 5)
                let counts =
                    "SELECT concat_ws(' ', sum(met), sum(changed), sum(removed)) FROM {supplier_sync_jobs} WHERE is_full"
                #expect(try await house.value(counts) == "25 10 5")
                let live = "SELECT count(*)::text FROM {supplier_item_raw} WHERE deleted_at IS NULL"
                #expect(try await house.value(live) == "25")
            }
        }
    }
}

extension House {
    /// Runs `quartet sync acme` on this house's databases to its end.
    func quartetSync(_ folder: URL, _ options: [String] = [], _ failpoint: String? = nil) async throws -> TestProcess {
        try await quartet(["sync", "acme", "--only", "items"] + options, folder, failpoint)
    }

    /// Runs `quartet` on this house's databases to its end, with pages of five.
    func quartet(_ arguments: [String], _ folder: URL, _ failpoint: String? = nil) async throws -> TestProcess {
        let process = try startQuartet(arguments, folder, failpoint)
        do {
            try await process.waitForEnd()
        } catch {
            await process.kill()
            throw error
        }
        return process
    }

    func startQuartet(_ arguments: [String], _ folder: URL, _ failpoint: String? = nil) throws -> TestProcess {
        var environment = [
            "SYNC_ROWS_PER_PAGE": "5", "SYNC_LEASE_DURATION": "500ms", "SYNC_REQUESTS_PER_SECOND": "1000",
            "QUARTET_API_KEY": "the key",
        ]
        for (name, settings) in clients.configuration.databases.settings {
            environment["\(name.rawValue.uppercased())_DATABASE_URL"] = settings.url
        }
        for (name, settings) in clients.configuration.services {
            environment["SERVICES_\(name.uppercased())_ROLE"] = settings.role
        }
        if let failpoint { environment["QUARTET_FAILPOINT"] = failpoint }
        return try TestProcess.quartet(arguments, environment: environment, folder: folder)
    }
}
