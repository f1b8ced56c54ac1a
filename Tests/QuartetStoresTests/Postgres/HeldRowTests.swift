import Catalog
import ClientSupport
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetMigrations
import QuartetTesting
import Testing

@testable import QuartetStores

@Suite("A row that another session holds")
struct HeldRowTests {
    private static let count = 40

    @Test("holds up its own change alone, among those that travel with it")
    func batch() async throws {
        try await withHeldRequest { store, ids, held in
            let began = ContinuousClock.now
            let cancel = Batcher<RequestID, ChangeOutcome>(name: "cancel") { ids in
                try await store.cancel(ids).map { .success($0) }
            }
            let outcomes = await withTaskGroup(of: (RequestID, Result<ChangeOutcome, any Error>).self) { group in
                for id in ids { group.addTask { (id, await Result { try await cancel(id) }) } }
                return await group.reduce(into: [RequestID: Result<ChangeOutcome, any Error>]()) { $0[$1.0] = $1.1 }
            }
            for id in ids where id != held {
                let outcome = try #require(outcomes[id]).get()
                guard case .changed(let request) = outcome else {
                    Issue.record("\(outcome)")
                    continue
                }
                #expect(request.status == .cancelled)
            }
            guard case .failure(let error as PostgresError)? = outcomes[held] else {
                Issue.record("the held one was changed")
                return
            }
            #expect(error.isContended)
            #expect(ContinuousClock.now - began < .seconds(5))
        }
    }

    @Test("does not keep others from submitting")
    func submit() async throws {
        try await withHeldRequest { store, ids, held in
            let blocked = Task { try await store.cancel([held]) }
            let began = ContinuousClock.now
            for _ in 0..<50 {
                let submission = Submission(id: .make(), productID: try #require(ProductID("p")))
                guard case .accepted = try await store.submit([submission])[0] else {
                    Issue.record("not taken")
                    return
                }
            }
            #expect(ContinuousClock.now - began < .seconds(20), "shorter than 50 times the time for locks")
            await #expect(throws: PostgresError.self) { try await blocked.value }
        }
    }

    private func withHeldRequest(
        _ body: (PostgresRequestStore, [RequestID], _ held: RequestID) async throws -> Void
    ) async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            let product = try #require(ProductID("p"))
            _ = try await PostgresProductStore(databases: databases).put([(product, nil)])
            let store = try PostgresRequestStore(databases: databases)
            let ids = (0..<Self.count).map { _ in RequestID.make() }
            _ = try await store.submit(ids.map { Submission(id: $0, productID: product) })
            let held = ids[Self.count / 3]
            try await databases.client(of: .dropship).transaction { session in
                let lock = "SELECT FROM analysis.analysis_requests WHERE request_id = $1 FOR UPDATE"
                _ = try await session.query(PostgresStatement(lock, held.uuid))
                try await body(store, ids, held)
            }
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
