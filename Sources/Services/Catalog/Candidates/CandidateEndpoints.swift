import Foundation
import HTTPTypes
import Hummingbird
import Postgres
import QuartetCore
import QuartetDatabases
import QuartetEmotion
import QuartetHTTP
import ServiceSupport

/// `GET` and `POST /v1/benchmarks/{id}/candidates`, and `PUT /v1/products/{id}/embeddings/{model}`.
struct CandidateEndpoints: Sendable {
    private static let bodyBytesMax = 512 * 1024

    private let search: CandidateSearch
    private let benchmark, keepCandidates, putGiven, otherDimension: StoreStatement

    init(databases: Databases) throws {
        search = CandidateSearch(databases: databases)
        let files = try [
            SQLFile(label: "candidates.sql", bytes: PackageResources.candidates_sql),
            SQLFile(label: "embeddings.sql", bytes: PackageResources.embeddings_sql),
        ].map { try databases.statements(in: $0, of: CatalogService.schema) }
        benchmark = try files[0].named("benchmark")
        keepCandidates = try files[0].named("keep_candidates")
        putGiven = try files[1].named("put_given_embedding")
        otherDimension = try files[1].named("other_dimension")
    }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("benchmarks/{id}/candidates") { try await find($0, $1, keeps: false) }
        routes.post("benchmarks/{id}/candidates") { try await find($0, $1, keeps: true) }
        routes.put("products/{id}/embeddings/{model}", use: give)
    }

    // MARK: Candidates

    private func find(_ request: Request, _ context: APIContext, keeps: Bool) async throws -> Response {
        let id = try context.resourceID()
        let limit = try request.queryInteger("limit", in: 1...CandidateSearch.limitMax, fallback: 20) ?? 20
        let filter = try CandidateFilter(request)
        guard let row = try await benchmark.run(id).first else {
            throw Problem(
                .notFound, "unknown-benchmark", "there is no benchmark product \(id), or not here yet: its copy follows"
            )
        }
        var (model, point) = (EmbeddingModel.ngrams, [Float]())
        let body = keeps ? try await context.body(of: request, atMost: Self.bodyBytesMax) : nil
        if let body, body.readableBytes > 0 {
            let given = try StrictJSON.decode(GivenPoint.self, from: body)
            (model, point) = (try EmbeddingModel(named: given.model, of: given.embedding), given.embedding)
        } else {
            let (name, brand, category) = try row.decode(String.self, String?.self, String?.self)
            point = TextEmbedding.point(of: [name, brand, category].compactMap(\.self))
        }
        let found = try await search.nearest(to: point, of: model, limit: limit, where: filter)
        if keeps, !found.isEmpty {
            _ = try await keepCandidates.runAlone(
                id, found.map(\.productID), found.map { Int64(($0.likeness * 1_000_000).rounded()) }, model.name)
        }
        return Response(
            json: JSONWriter.object(capacity: 4_096) { json in
                json.field("benchmark_product_id", id)
                json.field("model", model.name)
                json.key("candidates")
                json.array { json in
                    for candidate in found {
                        json.object { json in
                            json.key("likeness")
                            json.value((candidate.likeness * 1_000_000).rounded() / 1_000_000)
                            json.key("product")
                            json.raw(candidate.json)
                        }
                    }
                }
            })
    }

    // MARK: Embeddings of the caller's

    @Sendable private func give(_ request: Request, _ context: APIContext) async throws -> Response {
        let id = try context.resourceID()
        let name = try context.pathPart("model")
        let body = try await context.body(of: request, atMost: Self.bodyBytesMax)
        let given = try StrictJSON.decode(GivenEmbedding.self, from: body)
        let model = try EmbeddingModel(named: name, of: given.embedding)
        if let other = try await otherDimension.run(model.name, model.dimension).first {
            throw Problem(
                .conflict, "conflict",
                "embeddings of \(model.name) have \(try other.decode(0, as: Int.self)) numbers, this one \(model.dimension)"
            )
        }
        guard try await putGiven.run(id, model.name, given.embedding).first != nil else {
            throw Problem(.notFound, "unknown-product", "there is no product \(id)")
        }
        return Response(
            json: JSONWriter.object {
                $0.field("product_id", id)
                $0.field("model", model.name)
                $0.field("dimension", model.dimension)
            })
    }
}

extension CandidateFilter {
    private static let names: Set<Substring> = ["limit", "category", "brand", "price_min", "price_max"]

    fileprivate init(_ request: Request) throws {
        let query = request.uri.queryParameters
        if let unknown = query.first(where: { !Self.names.contains($0.key) })?.key {
            throw Problem(.badRequest, "bad-parameter", "\(unknown) is no parameter of this call")
        }
        if let empty = query.first(where: { $0.value.isEmpty })?.key {
            throw Problem(.badRequest, "bad-parameter", "\(empty) is empty: leave it out for all")
        }
        if let bad = query.first(where: { $0.value.utf8.contains(0) })?.key {
            throw Problem(.badRequest, "bad-parameter", "\(bad) has a NUL")
        }
        let prices = 0...1_000_000_000_000_000
        category = query["category"].map(String.init)
        brand = query["brand"].map(String.init)
        priceMin = try request.queryInteger("price_min", in: prices, fallback: nil).map(Int64.init)
        priceMax = try request.queryInteger("price_max", in: prices, fallback: nil).map(Int64.init)
    }
}

/// Numbers too small for single precision are 0.
private struct GivenEmbedding: Decodable {
    private enum CodingKeys: String, CodingKey {
        case embedding
    }

    let embedding: [Float]

    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: ["embedding"])
        let values = try decoder.container(keyedBy: CodingKeys.self)
        embedding = try values.decode([Double].self, forKey: .embedding).map(Float.init)
    }
}

private struct GivenPoint: Decodable {
    private enum CodingKeys: String, CodingKey {
        case model, embedding
    }

    let model: String
    let embedding: [Float]

    init(from decoder: any Decoder) throws {
        try decoder.refuseFields(except: ["model", "embedding"])
        let values = try decoder.container(keyedBy: CodingKeys.self)
        model = try values.decode(String.self, forKey: .model)
        embedding = try values.decode([Double].self, forKey: .embedding).map(Float.init)
    }
}
