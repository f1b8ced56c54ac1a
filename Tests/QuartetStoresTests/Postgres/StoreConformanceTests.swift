import QuartetTesting
import Testing

@testable import QuartetStores

@Suite("The stores on PostgreSQL and their fakes keep the same rules")
struct StoreConformanceTests {
    private static let behaviours =
        RequestStoreConformance.behaviours + ProductStoreConformance.behaviours + OutboxStoreConformance.behaviours

    @Test("fake", arguments: behaviours)
    func fake(behaviour: Conformance<RequestStoreFixture>) async throws {
        try await behaviour.check(.fake())
    }

    @Test("PostgreSQL", .serialized, arguments: behaviours)
    func postgres(behaviour: Conformance<RequestStoreFixture>) async throws {
        try await PostgresTestDatabase.withMigrated { databases in
            try await behaviour.check(PostgresTestDatabase.fixture(databases))
        }
    }
}
