import ClientSupport
import HTTPTypes
import Hummingbird
import QuartetCore
import QuartetHTTP

/// `POST /v1/products/{id}/reviews`: idempotent by review id; writes MongoDB only.
struct ReviewEndpoints: Sendable {
    let ports: APIPorts
    let calls: RequestBatchers
    let directory: ProductDirectory
    let settings: Live<APIConfiguration>

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("products/{id}/reviews", use: post)
    }

    @Sendable private func post(_ request: Request, context: APIContext) async throws -> Response {
        let product = try context.productID()
        let isLines = try Self.isLines(request.headers[.contentType])
        // What is refused without the body is refused before it travels.
        if !directory.knows(.exists(product)) {
            guard try await calls.product(product) != nil else { throw Problem.unknownProduct(product) }
            directory.learn(.exists(product))
        }
        let limits = settings.now.limits
        let body = try await context.body(of: request, atMost: limits.bodyBytesMax)
        let isLenient = request.headers[.prefer].map(Self.wantsLenience) ?? false
        let incoming = try ReviewsBody(body, isLines: isLines, isLenient: isLenient, limits: limits)
        var added = 0
        if !incoming.reviews.isEmpty {
            added = try await ports.reviews.add(incoming.reviews, to: product)
            Failpoint.reviewsStored.reached()
            directory.learn(.hasReviews(product))
        }
        var response = Response(
            json: JSONWriter.object {
                $0.field("received", incoming.received)
                $0.field("added", added)
                $0.field("known", incoming.received - added)
                if isLenient { Self.write(incoming.rejected, isLines: isLines, to: &$0) }
            })
        if isLenient { response.headers[.preferenceApplied] = "handling=lenient" }
        return response
    }

    private static func write(_ rejected: [ReviewsBody.Rejected], isLines: Bool, to json: inout JSONWriter) {
        json.key("rejected")
        json.array { json in
            for one in rejected {
                json.object {
                    $0.field(isLines ? "line" : "index", one.number)
                    $0.field("type", one.problem.type)
                    $0.field("detail", one.problem.detail)
                }
            }
        }
    }

    /// Source: RFC 7240, section 4.4.
    private static func wantsLenience(_ preferences: String) -> Bool {
        preferences.lowercased().split(separator: ",").contains { preference in
            preference.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\"" } == "handling=lenient"
        }
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
