package import QuartetCore

/// Products in memory.
package struct FakeProductStore: ProductStore {
    package let database: FakeDatabase

    package init(database: FakeDatabase = FakeDatabase()) {
        self.database = database
    }

    package func put(_ products: [(id: ProductID, name: String?)]) async throws -> [Product] {
        try database.run(.put) { state, transaction in
            var names: [ProductID: String] = [:]
            for product in products {
                let kept = names[product.id] ?? state.products[product.id]?.name ?? product.id.text
                let name = product.name ?? kept
                guard !name.utf8.contains(0) else {
                    throw FakeDatabaseError("the name of product \(product.id) contains U+0000")
                }
                names[product.id] = name
            }
            for (id, name) in names.sorted(by: { $0.key < $1.key }) where state.products[id]?.name != name {
                let type: EventType = state.products[id] == nil ? .productCreated : .productUpdated
                let version = max((state.products[id]?.version ?? 0) + 1, state.firstVersion)
                state.products[id] = Product(id: id, name: name, version: version)
                state.productDates[id] = transaction.date
                transaction.write(type, id.text, version, ProductPayload(name: name))
            }
            return products.compactMap { state.products[$0.id] }
        }
    }

    package func products(_ ids: [ProductID]) async throws -> [Product?] {
        try database.run(.products) { state, _ in ids.map { state.products[$0] } }
    }

    package func products(after: ProductID?, limit: Int) async throws -> [Product] {
        try database.run(.products) { state, _ in
            let later = state.products.values.filter { product in after.map { product.id > $0 } ?? true }
            return Array(later.sorted { $0.id < $1.id }.prefix(limit))
        }
    }
}
