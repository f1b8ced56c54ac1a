import HTTPTypes
import QuartetCore
import Suppliers
import Testing

@testable import QuartetService

/// The role syncs what is due, and nothing else.
@Suite("Sync role", .timeLimit(.minutes(5))) struct SyncRoleTests {
    @Test("each account is synced by its own interval, wholly now and then; one that is paused or gone is not")
    func schedule() async throws {
        try await House.open(.oneDatabase) { house in
            let supplier = SupplierServer(SupplierTests.empty)
            supplier.change { $0.rows["items"] = SupplierServer.items(3) }
            var settings = House.quickSync
            settings.suppliersMax = 2
            let role = SyncRole(
                configuration: Live(settings), sync: try await house.sync(of: supplier, settings), logger: House.logger)
            for id in ["b", "c", "paused", "gone"] {
                let body =
                    #"{"id": "\#(id)", "name": "n", "url": "http://127.0.0.1:9", "is_paused": \#(id == "paused")}"#
                #expect(try await house.call(.post, "/v1/supplier_accounts", body).status == 201)
            }
            let gone = try await house.call(.delete, "/v1/supplier_accounts/gone", nil, [.ifMatch: "*"])
            #expect(gone.status == 200)

            let first = try await role.runOnce()
            #expect(Set(first.map(\.supplier)) == ["acme", "b", "c"] && first.count == 12)
            #expect(first.allSatisfy { $0.error == nil && $0.isFull })
            #expect(try await role.runOnce().isEmpty)

            // An hour later by the clock of one of them, whose interval is shorter; one has failed meanwhile.
            let interval = #"{"sync_interval_seconds": 60}"#
            #expect(try await house.call(.patch, "/v1/supplier_accounts/b", interval, [.ifMatch: "*"]).status == 200)
            let earlier =
                "UPDATE {supplier_sync_state} SET ended_at = ended_at - interval '2 minutes' WHERE kind = 'items' RETURNING kind"
            _ = try await house.value(earlier)
            supplier.change { $0.faults = [.init(status: 401)] }
            let second = try await role.runOnce()
            #expect(second.map(\.supplier) == ["b"] && second.map(\.kind) == [.items])
            #expect(second.allSatisfy { $0.error != nil && !$0.isFull })
            #expect(try await role.runOnce().isEmpty)
        }
    }
}
