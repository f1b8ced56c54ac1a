import Postgres
package import QuartetCore
import QuartetDatabases
import QuartetEmotion
import QuartetRoles
import ServiceSupport

/// Keeps what products are like, by their names, brands and categories, as those change.
package struct ProductEmbeddings: Sendable {
    static let subscription = Subscription("embeddings", topics: [.product])
    /// The index takes some milliseconds for each.
    static let productsPerPage = 100

    private let byID, after, ofCategory, put, drop: StoreStatement

    init(databases: Databases) throws {
        let file = try SQLFile(label: "embeddings.sql", bytes: PackageResources.embeddings_sql)
        let statements = try databases.statements(in: file, of: CatalogService.schema)
        byID = try statements.named("products_by_id")
        after = try statements.named("products_after")
        ofCategory = try statements.named("products_of_category")
        put = try statements.named("put_embeddings")
        drop = try statements.named("drop_embeddings")
    }

    /// Makes those of products behind this one in the order of their ids, of one page; returns where that ends, nil at the end,
    /// and how many were made or changed.
    package func fill(after id: String) async throws -> (last: String?, made: Int) {
        try await store(after.run(id, Self.productsPerPage))
    }

    private func store(_ rows: PostgresRows) async throws -> (last: String?, made: Int) {
        let products = try rows.map { row in
            let (id, version, name, brand, category) = try row.decode(
                String.self, Int64.self, String.self, String?.self, String?.self)
            return (id: id, version: version, texts: [name, brand, category].compactMap(\.self))
        }
        guard let last = products.last?.id else { return (nil, 0) }
        let made = try await put.runAlone(
            products.map(\.id), products.map(\.version), EmbeddingModel.ngrams.name, EmbeddingModel.ngrams.dimension,
            products.flatMap { TextEmbedding.point(of: $0.texts) }
        ).affected
        return (last, made)
    }
}

extension ProductEmbeddings: EventHandler {
    package enum Change: Sendable {
        case product(String)
        /// Its name is part of its products'.
        case category(String)
    }

    package var name: String { Self.subscription.name }
    package var topics: [EventTopic] { Self.subscription.topics }
    package var wantsNewestOnly: Bool { true }

    package func change(for event: DomainEvent) throws(EventDecodingError) -> Change? {
        switch event.type {
        case .productCreated, .productUpdated, .productDeleted: .product(event.aggregateID)
        case CatalogService.categoryUpdated, CatalogService.categoryDeleted: .category(event.aggregateID)
        default: nil
        }
    }

    /// As the products are now, whatever the events said: so it does not matter which came first.
    package func apply(_ changes: [Change]) async throws {
        let ids = changes.compactMap { if case .product(let id) = $0 { id } else { nil } }
        for start in stride(from: 0, to: ids.count, by: Self.productsPerPage) {
            _ = try await store(byID.run(Array(ids[start..<min(start + Self.productsPerPage, ids.count)])))
        }
        if !ids.isEmpty { _ = try await drop.runAlone(ids) }
        for case .category(let category) in changes {
            var last: String? = ""
            while let id = last { last = try await store(ofCategory.run(id, Self.productsPerPage, category)).last }
        }
    }
}
