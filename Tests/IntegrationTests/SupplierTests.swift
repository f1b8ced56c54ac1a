import Foundation
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// From a supplier's price to the shop's: the roles together, and the example of a supplier.
@Suite struct SupplierTests {
    @Test(.timeLimit(.minutes(4)))
    func theShopFollowsItsSupplier() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            let supplier = try TestProcess(
                [
                    "python3", root.appending(path: "infra/examples/supplier.py").path, "--port", "0", "--items", "700",
                    "--changes", "50",
                    "--faults", "0.05", "--token", "s3cret",
                ], environment: ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? ""], folder: system.folder)
            do {
                try await follow(supplier, system)
            } catch {
                await supplier.kill()
                throw error
            }
            await supplier.kill()
        }
    }

    private func follow(_ supplier: TestProcess, _ system: QuartetSystem) async throws {
        let url = try await eventually("the supplier listens") { () -> String? in
            if let end = supplier.end { throw TestFailure("the supplier ended with \(end)\(supplier.lastWords)") }
            return supplier.output.firstMatch(of: /http:\S+/).map { String($0.output) }
        }
        let quick = ["SYNC_POLL_INTERVAL": "100ms", "SYNC_RETRY_BASE": "10ms", "SYNC_REQUESTS_PER_SECOND": "1000"]
        let (_, shop) = try await system.serve(with: ["relay", "project", "invalidate", "sync"], settings: quick)
        let account =
            #"{"id": "acme", "name": "Acme", "url": "\#(url)", "token": "s3cret", "sync_interval_seconds": 1}"#
        #expect(try await shop.call(.post, "/v1/supplier_accounts", json: account).status == 201)

        try await eventually("every item is a product") {
            try await system.stores.count("catalog.products") == 700
        }
        try await eventually("prices change") {
            try await system.stores.count("catalog.price_history") > 720
        }
        let status = try await system.finish(["sync", "status"])
        #expect(status.contains("acme items: synced "), "\(status)")

        // What can't be a product is put aside, and says why.
        _ = try await system.stores.rows(
            """
            SELECT source_events.emit('suppliers.item.changed', 'acme:x', 1::bigint,
                '{"supplier_id": "acme", "item_id": "x", "item": {"name": "n", "price": "dear"}}'::json)
            """, in: "SOURCE")
        try await eventually("it is put aside") {
            try await system.finish(["events", "dead", "list", "--json"])
                .contains("item acme:x: price is not a whole number from 0")
        }
    }
}
