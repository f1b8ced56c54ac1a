import QuartetCore
import QuartetTesting
import Testing

@Suite("Fake database")
struct FakeDatabaseTests {
    @Test("an injected failure meets the named call once, before or after its effect")
    func failures() async throws {
        let database = FakeDatabase()
        let (requests, products) = (FakeRequestStore(database: database), FakeProductStore(database: database))
        let product = try #require(ProductID("p"))
        _ = try await products.put([(product, "P")])
        let submission = Submission(id: .make(), productID: product)

        database.failNext(.submit, with: FakeDatabaseError.unavailable)
        #expect(try await products.products([product]).count == 1)
        await #expect(throws: FakeDatabaseError.unavailable) { try await requests.submit([submission]) }
        #expect(try await requests.requests([submission.id]) == [nil])

        database.failNext(with: FakeDatabaseError.connectionLost, tookEffect: true)
        await #expect(throws: FakeDatabaseError.connectionLost) { try await requests.submit([submission]) }
        let stored = try #require(try await requests.requests([submission.id])[0])
        #expect(try await requests.submit([submission]) == [.repeated(stored)])
    }
}
