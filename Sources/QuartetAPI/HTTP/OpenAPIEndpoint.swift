import Hummingbird

/// `GET /openapi.json`: what every call takes and gives, for programs. None asks for a key.
///
/// Source: OpenAPI Specification 3.1.0.
struct OpenAPIEndpoint: Sendable {
    func add(to router: Router<APIContext>) {
        router.get("openapi.json") { _, _ in Response(json: PackageResources.openapi_json) }
    }
}
