import ClientSupport
import Foundation
import HTTPTypes
import Hummingbird
import NIOFoundationEssentialsCompat
import QuartetCore
import QuartetHTTP

/// `PUT` and `GET /v1/products/{id}`, `GET /v1/products`, `GET /v1/products/{id}/analysis`.
struct ProductEndpoints: Sendable {
    let ports: APIPorts
    let calls: RequestBatchers
    let directory: ProductDirectory
    let cached: CachedReads
    let hints: CacheHints
    /// What the service says of products beyond their names.
    let shared: SharedCalls

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("products", use: list)
        routes.put("products/{id}", use: put)
        routes.get("products/{id}", use: get)
        routes.get("products/{id}/analysis", use: latestAnalysis)
    }

    @Sendable private func put(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.productID()
        let body = try await context.body(of: request, atMost: 16_384)
        let isConditional = request.headers[.ifMatch] != nil || request.headers[.ifNoneMatch] != nil
        if let putWhole = shared["PUT products/{id}"], isConditional || IncomingProduct.saysMoreThanName(body) {
            var context = context
            context.body = body
            let response = try await putWhole(request, context)
            directory.learn(.exists(id))
            return response
        }
        let name = body.readableBytes == 0 ? nil : try StrictJSON.decode(IncomingProduct.self, from: body).name
        if let name, !(1...512).contains(name.utf8.count) || name.utf8.contains(0) {
            throw Problem(.unprocessableContent, "bad-name", "name is 1 to 512 bytes")
        }
        let product = try await ports.products.put([(id, name)])[0]
        Failpoint.productStored.reached()
        directory.learn(.exists(id))
        await hints.changed(product)
        var response = Response(json: Self.json(product))
        response.headers[.eTag] = "\"\(product.version)\""
        return response
    }

    @Sendable private func get(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.productID()
        return try await answer(request, .product(id), orElse: Problem.unknownProduct(id)) { [calls] in
            try await calls.product(id).map { CacheEntry(version: $0.version, value: Self.json($0)) }
        }
    }

    /// In the order of their ids, from the cache; with filters or another order, from the service.
    @Sendable private func list(_ request: Request, context: APIContext) async throws -> Response {
        if let listChosen = shared["GET products"],
            request.uri.queryParameters.contains(where: { $0.key != "limit" && $0.key != "after" })
        {
            return try await listChosen(request, context)
        }
        let limit = try request.queryInteger("limit", in: 1...1_000, fallback: 100) ?? 100
        let after = try request.uri.queryParameters["after"].map { text in
            guard let id = ProductID(text) else { throw Problem.badProductID(String(text)) }
            return id
        }
        let page = CacheKey.productPage(after: after, limit: limit)
        return try await answer(request, page, orElse: Problem(.notFound, "no-page", "there is no such page")) {
            [ports] in
            let products = try await ports.products.products(after: after, limit: limit)
            return CacheEntry(version: 0, value: Self.json(products, limit: limit))
        }
    }

    private static func json(_ products: [Product], limit: Int) -> [UInt8] {
        JSONWriter.object(capacity: 4096) { json in
            json.key("products")
            json.array { json in for product in products { json.raw(Self.json(product)) } }
            if products.count == limit { json.field("next", ifPresent: products.last?.id.text) }
        }
    }

    /// The product's latest result, from the cache where that has it.
    @Sendable private func latestAnalysis(_ request: Request, context: APIContext) async throws -> Response {
        let id = try context.productID()
        let problem = Problem(.notFound, "no-analysis", "product \(id) has no completed analysis")
        return try await answer(request, .analysis(id), orElse: problem) { [calls] in
            try await calls.latest(id).map { CacheEntry(version: $0.version, value: $0.json) }
        }
    }

    /// What is cached or loaded, with where it came from; a version is its tag.
    private func answer(
        _ request: Request, _ key: CacheKey, orElse problem: Problem, load: @escaping CachedReads.Load
    ) async throws -> Response {
        let demand = try CacheDemand(request)
        let (entry, status) = try await cached.read(key, demand, load: load)
        guard let entry, let json = entry.value else { throw problem }
        guard key.family.tag != nil || entry.version >= demand.versionMin else {
            throw Problem(
                .conflict, "not-yet", "the answer is version \(entry.version) as yet", retryAfterSeconds: 1)
        }
        var response = Response(json: json)
        response.headers[.cacheStatus] = status.text
        if key.family.tag == nil { response.headers[.eTag] = "\"\(entry.version)\"" }
        return response
    }

    private static func json(_ product: Product) -> [UInt8] {
        JSONWriter.object {
            $0.field("id", product.id.text)
            $0.field("name", product.name)
            $0.field("version", product.version)
            if let details = product.details { $0.fields(ofObject: details) }
        }
    }
}

private struct IncomingProduct: Decodable {
    let name: String

    static func saysMoreThanName(_ body: ByteBuffer) -> Bool {
        guard let keys = try? JSONDecoder().decode([String: AnyValue].self, from: Data(buffer: body)).keys else {
            return false
        }
        return keys.contains { $0 != "name" }
    }

    private struct AnyValue: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    private enum CodingKeys: String, CodingKey {
        case name
    }

    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: ["name"])
        name = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .name)
    }
}
