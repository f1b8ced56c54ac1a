import ClientSupport
import HTTPTypes
import Hummingbird
import QuartetCore

/// `POST /v1/products/{id}/reviews`: idempotent by review id; writes MongoDB only.
struct ReviewEndpoints: Sendable {
    let ports: APIPorts
    let calls: RequestBatchers
    let directory: ProductDirectory
    let limits: ReviewLimits

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("products/{id}/reviews", use: post)
    }

    @Sendable private func post(_ request: Request, context: APIContext) async throws -> Response {
        let product = try context.productID()
        let isLines = try Self.isLines(request.headers[.contentType])
        let body = try await request.body(atMost: limits.bodyBytesMax)
        let reviews = try ReviewsBody(body, isLines: isLines, limits: limits).reviews
        if !directory.knows(.exists(product)) {
            guard try await calls.product(product) != nil else { throw Problem.unknownProduct(product) }
            directory.learn(.exists(product))
        }
        let added = try await ports.reviews.add(reviews, to: product)
        Failpoint.reviewsStored.reached()
        directory.learn(.hasReviews(product))
        return Response(
            json: JSONWriter.object {
                $0.field("received", reviews.count)
                $0.field("added", added)
                $0.field("known", reviews.count - added)
            })
    }

    private static func isLines(_ contentType: String?) throws -> Bool {
        let type = (contentType ?? "").prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        switch type {
        case "", "application/json": return false
        case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines": return true
        default:
            throw Problem(
                .unsupportedMediaType, "bad-content-type",
                "reviews come as application/json (an array) or application/x-ndjson")
        }
    }
}
