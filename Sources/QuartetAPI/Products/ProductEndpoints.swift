import ClientSupport
import Foundation
import HTTPTypes
import Hummingbird
import QuartetCore

/// `PUT` and `GET /v1/products/{id}`, `GET /v1/products`, `GET /v1/products/{id}/analysis`.
struct ProductEndpoints: Sendable {
    let ports: APIPorts
    let calls: RequestBatchers
    let directory: ProductDirectory

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("products", use: list)
        routes.put("products/{id}", use: put)
        routes.get("products/{id}", use: get)
        routes.get("products/{id}/analysis", use: latestAnalysis)
    }

    @Sendable private func put(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.productID()
        let body = try await context.body(of: request, atMost: 16_384)
        let name = body.readableBytes == 0 ? nil : try StrictJSON.decode(IncomingProduct.self, from: body).name
        if let name, !(1...512).contains(name.utf8.count) || name.utf8.contains(0) {
            throw Problem(.unprocessableContent, "bad-name", "name is 1 to 512 bytes")
        }
        let product = try await ports.products.put([(id, name)])[0]
        Failpoint.productStored.reached()
        directory.learn(.exists(id))
        return Response(json: Self.json(product))
    }

    @Sendable private func get(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.productID()
        let json = try await throughCache(.product(id)) {
            try await calls.product(id).map { CacheEntry(version: $0.version, value: Self.json($0)) }
        }
        guard let json else { throw Problem.unknownProduct(id) }
        return Response(json: json)
    }

    @Sendable private func list(_ request: Request, context: APIContext) async throws -> Response {
        let limit = try request.queryInteger("limit", in: 1...1_000, fallback: 100) ?? 100
        let after = try request.uri.queryParameters["after"].map { text in
            guard let id = ProductID(text) else { throw Problem.badProductID(String(text)) }
            return id
        }
        let products = try await ports.products.products(after: after, limit: limit)
        return Response(
            json: JSONWriter.object(capacity: 4096) { json in
                json.key("products")
                json.array { json in for product in products { json.raw(Self.json(product)) } }
                if products.count == limit { json.field("next", ifPresent: products.last?.id.text) }
            })
    }

    /// The product's latest result, from the cache where that has it.
    @Sendable private func latestAnalysis(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.productID()
        let json = try await throughCache(.analysis(id)) {
            try await calls.latest(id).map { CacheEntry(version: $0.version, value: $0.json) }
        }
        guard let json else {
            throw Problem(.notFound, "no-analysis", "product \(id) has no completed analysis")
        }
        return Response(json: json)
    }

    /// Reads through the cache; a cache that is away costs only its speed.
    private func throughCache(
        _ key: CacheKey, read: () async throws -> CacheEntry?
    ) async throws -> [UInt8]? {
        if let entry = try? await ports.cache.get(key) { return entry.value }
        guard let entry = try await read() else { return nil }
        _ = try? await ports.cache.put(entry, at: key)
        Failpoint.cacheFilled.reached()
        return entry.value
    }

    private static func json(_ product: Product) -> [UInt8] {
        JSONWriter.object {
            $0.field("id", product.id.text)
            $0.field("name", product.name)
            $0.field("version", product.version)
        }
    }
}

private struct IncomingProduct: Decodable {
    let name: String

    private enum CodingKeys: String, CodingKey {
        case name
    }

    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: ["name"])
        name = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .name)
    }
}
