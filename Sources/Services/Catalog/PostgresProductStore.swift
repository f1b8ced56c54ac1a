import Postgres
package import QuartetCore
package import QuartetDatabases

/// Products in PostgreSQL.
package struct PostgresProductStore: ProductStore {
    private let putProducts, productsByID, productsAfter: StoreStatement

    package init(databases: Databases) throws {
        let file = try SQLFile(label: "products.sql", bytes: PackageResources.products_sql)
        let statements = try databases.statements(in: file, of: CatalogService.schema)
        putProducts = try statements.named("put_products")
        productsByID = try statements.named("products_by_id")
        productsAfter = try statements.named("products_after")
    }

    /// Of a product that comes twice, the last name counts.
    package func put(_ products: [(id: ProductID, name: String?)]) async throws -> [Product] {
        var names: [ProductID: String?] = [:]
        for product in products {
            if let name = product.name { try StoredText.require(name, "the name of product \(product.id)") }
            names[product.id] = .some(product.name ?? names[product.id] ?? nil)
        }
        guard !names.isEmpty else { return [] }
        let sorted = names.sorted { $0.key < $1.key }
        var present = try await load {
            try await putProducts.runAlone(
                sorted.map(\.key.text), sorted.map(\.value),
                sorted.filter { $0.value == nil }.map(\.key.text))
        }
        let unchanged = sorted.filter { present[$0.key] == nil }.map(\.key.text)
        if !unchanged.isEmpty {
            let others = try await load { try await productsByID.run(unchanged) }
            present.merge(others) { changed, _ in changed }
        }
        return try products.map { product in
            guard let stored = present[product.id] else {
                throw PostgresStoreError(.contention, "product \(product.id) went away while it was stored")
            }
            return stored
        }
    }

    package func products(_ ids: [ProductID]) async throws -> [Product?] {
        guard !ids.isEmpty else { return [] }
        let found = try await load { try await productsByID.run(ids.map(\.text)) }
        return ids.map { found[$0] }
    }

    package func products(after: ProductID?, limit: Int) async throws -> [Product] {
        // An id is never empty, so every one comes after "".
        try await productsAfter.run(after?.text ?? "", limit).map(Self.product)
    }

    private func load(_ query: () async throws -> PostgresRows) async throws -> [ProductID: Product] {
        try await query().reduce(into: [:]) { products, row in
            let product = try Self.product(row)
            products[product.id] = product
        }
    }

    private static func product(_ row: PostgresRow) throws -> Product {
        let (id, name, version, details) = try row.decode(String.self, String.self, Int64.self, [UInt8]?.self)
        return Product(id: ProductID(stored: id), name: name, version: version, details: details)
    }
}
