import HTTPTypes
package import Hummingbird

/// Lets through who knows the key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`.
package struct Authentication: RouterMiddleware {
    package typealias Context = APIContext

    private let key: [UInt8]

    package init(key: String) {
        self.key = Array(key.utf8)
    }

    package func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard let presented = presentedKey(in: request.headers) else {
            throw Problem(.unauthorized, "key-missing", "send the API key as `Authorization: Bearer KEY`")
        }
        guard matches(presented) else {
            throw Problem(.unauthorized, "key-wrong", "the API key is not the one this service was started with")
        }
        var context = context
        context.caller = .configured
        return try await next(request, context)
    }

    private func presentedKey(in headers: HTTPFields) -> Substring? {
        if let key = headers[.apiKey] { return key[...] }
        guard let authorization = headers[.authorization] else { return nil }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1]
    }

    /// Compares in a time that does not depend on where the difference is.
    private func matches(_ presented: Substring) -> Bool {
        let bytes = Array(presented.utf8)
        var difference = UInt8(bytes.count == key.count ? 0 : 1)
        for index in key.indices { difference |= key[index] ^ (index < bytes.count ? bytes[index] : 0) }
        return difference == 0
    }
}
