import QuartetCore
import Testing

/// What every ``ProductStore`` does. Each behaviour wants a fresh fixture.
package enum ProductStoreConformance {
    package static let behaviours: [Conformance<RequestStoreFixture>] = [
        Conformance("a product's version grows with its changes only", versions),
        Conformance("a product that is put without a name keeps the one it has", withoutName),
        Conformance("each change has its event", events),
        Conformance("of a product that comes twice in a batch the last name counts", twiceInBatch),
        Conformance("pages are in the order of the ids' bytes", pages),
        Conformance("a name that can't be stored is refused and nothing is stored", unstorableName),
        Conformance("concurrent changes are all counted", atOnce),
    ]

    private static func versions(_ fixture: RequestStoreFixture) async throws {
        let (p, q) = (try #require(ProductID("p")), try #require(ProductID("q")))
        let store = fixture.products
        #expect(try await store.put([]).isEmpty)
        #expect(try await store.put([(q, "Q"), (p, "P")]).map(\.version) == [1, 1])
        #expect(
            try await store.put([(p, "P"), (q, "Queue")]) == [
                Product(id: p, name: "P", version: 1), Product(id: q, name: "Queue", version: 2),
            ])
        let unknown = try #require(ProductID("unknown"))
        #expect(try await store.products([unknown, q]) == [nil, Product(id: q, name: "Queue", version: 2)])
        #expect(try await store.products([]).isEmpty)
    }

    private static func withoutName(_ fixture: RequestStoreFixture) async throws {
        let (p, q) = (try #require(ProductID("p")), try #require(ProductID("q")))
        _ = try await fixture.products.put([(p, "P")])
        let put = try await fixture.products.put([(p, nil), (q, nil)])
        #expect(put == [Product(id: p, name: "P", version: 1), Product(id: q, name: "q", version: 1)])
        #expect(try await fixture.products.put([(q, "Q"), (q, nil)]).map(\.name) == ["Q", "Q"])
        #expect(try await fixture.products.products([p, q]).map { $0?.version } == [1, 2])
    }

    private static func events(_ fixture: RequestStoreFixture) async throws {
        let p = try #require(ProductID("p"))
        for name in ["a", "a", "b"] { _ = try await fixture.products.put([(p, name)]) }
        let events = try await fixture.drain(count: 2).map(\.event)
        #expect(events.map(\.type) == [.productCreated, .productUpdated])
        #expect(events.map(\.version) == [1, 2])
        #expect(events.allSatisfy { $0.aggregateID == "p" })
        #expect(try events.map { try $0.payload(as: ProductPayload.self).name } == ["a", "b"])
    }

    private static func twiceInBatch(_ fixture: RequestStoreFixture) async throws {
        let p = try #require(ProductID("p"))
        let stored = try await fixture.products.put([(p, "first"), (p, "second")])
        #expect(stored.map(\.name) == ["second", "second"])
        #expect(try await fixture.products.products([p]) == [stored[0]])
    }

    private static func pages(_ fixture: RequestStoreFixture) async throws {
        let products = try await fixture.create("b", "B", "a.1", "a-1", "a_1", "a:1", "10", "9", "Z")
        let sorted = ["10", "9", "B", "Z", "a-1", "a.1", "a:1", "a_1", "b"]
        var seen: [String] = []
        var after: ProductID?
        while true {
            let page = try await fixture.products.products(after: after, limit: 2)
            guard let last = page.last else { break }
            #expect(page.count <= 2)
            seen += page.map(\.id.text)
            after = last.id
        }
        #expect(seen == sorted)
        #expect(products.map(\.text).sorted() == sorted)
    }

    private static func unstorableName(_ fixture: RequestStoreFixture) async throws {
        let (p, q) = (try #require(ProductID("p")), try #require(ProductID("q")))
        let error = await #expect(throws: (any Error).self) {
            try await fixture.products.put([(p, "good"), (q, "b\0d")])
        }
        let message = "\(try #require(error))"
        #expect(message.contains("U+0000") && message.contains("product q"))
        #expect(try await fixture.products.products([p, q]) == [nil, nil])
    }

    private static func atOnce(_ fixture: RequestStoreFixture) async throws {
        let ids = try (0..<20).map { try #require(ProductID("p\($0)")) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for round in 0..<4 {
                let order = ids.shuffled()
                group.addTask { _ = try await fixture.products.put(order.map { ($0, "name \(round)") }) }
            }
            try await group.waitForAll()
        }
        #expect(try await fixture.products.products(ids).map { $0?.version } == Array(repeating: 4, count: 20))
    }
}
