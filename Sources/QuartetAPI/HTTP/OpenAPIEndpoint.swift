import Foundation
import Hummingbird
import QuartetHTTP

/// `GET /openapi.json`: what every call takes and gives, for programs. None asks for a key.
///
/// Source: OpenAPI Specification 3.1.0.
struct OpenAPIEndpoint: Sendable {
    private let document: [UInt8]

    /// - Parameter services: whose descriptions are put beside that of the analyses.
    init(services: [ServiceCalls]) {
        let own = PackageResources.openapi_json
        document =
            services.allSatisfy(\.descriptions.isEmpty) ? own : Self.merged([own] + services.flatMap(\.descriptions))
    }

    func add(to router: Router<APIContext>) {
        router.get("openapi.json") { [document] _, _ in Response(json: document) }
    }

    private static func merged(_ parts: [[UInt8]]) -> [UInt8] {
        let documents = parts.compactMap {
            try? JSONSerialization.jsonObject(with: Data($0)) as? [String: Any]
        }
        let whole = documents.reduce(into: [:]) { $0 = merge($0, $1) }
        let data = try? JSONSerialization.data(
            withJSONObject: whole, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return data.map(Array.init) ?? parts[0]
    }

    /// Objects are merged at each depth; of anything else the later one counts.
    private static func merge(_ left: [String: Any], _ right: [String: Any]) -> [String: Any] {
        left.merging(right) { old, new in
            guard let old = old as? [String: Any], let new = new as? [String: Any] else { return new }
            return merge(old, new)
        }
    }
}
