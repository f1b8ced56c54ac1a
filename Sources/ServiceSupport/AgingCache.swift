import ClientSupport
import HTTPTypes
import Hummingbird
import Logging
package import QuartetCore
package import QuartetHTTP

/// An aging cache of a service's rows.
///
/// `GET /v1/NAME/random` gives rows that are in it now, with their `Age`. Where it has none, it gives some of those whose
/// turn is next.
package struct AgingCache: Sendable {
    package let source: AgingRows
    private let store: any AgingCacheStore

    package init(source: AgingRows, store: any AgingCacheStore) {
        self.source = source
        self.store = store
    }

    package var calls: ServiceCalls {
        ServiceCalls(name: source.service) { router in
            router.routes.group().add(middleware: ServiceMiddleware(service: source.service))
                .get("\(source.name)/random", use: random)
        }
    }

    @Sendable private func random(_ request: Request, context: APIContext) async throws -> Response {
        let count = try request.queryInteger("count", in: 1...1_000, fallback: nil)
        let (rows, age) = try await rows(count ?? 1, context)
        guard let first = rows.first else {
            throw Problem(.notFound, "nothing-there", "there are no \(source.name)")
        }
        guard count != nil else { return response(first.json, age) }
        let many = JSONWriter.object { json in
            json.key(source.name)
            json.array { json in for row in rows { json.raw(row.json) } }
        }
        return response(many, age)
    }

    private func response(_ json: [UInt8], _ age: Duration?) -> Response {
        var response = Response(json: json)
        if let age { response.headers[.age] = "\(age.components.seconds)" }
        return response
    }

    private func rows(_ count: Int, _ context: APIContext) async throws -> (rows: [AgingRow], age: Duration?) {
        do {
            if let cached = try await store.random(count, of: source.name) { return (cached.rows, cached.age) }
        } catch {
            // A cache that is away is no reason to give nothing.
            context.logger.debug("aging cache not read", metadata: ["cache": "\(source.name)", "error": "\(error)"])
        }
        let next = try await source.next(new: max(count, 32), old: max(count, 32))
        return (Array(next.shuffled().prefix(count)), nil)
    }
}
