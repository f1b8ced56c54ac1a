import HTTPTypes
package import Hummingbird

/// Lets through who knows a key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`, and changes by keys of scope `write`.
package struct Authentication: RouterMiddleware {
    package typealias Context = APIContext

    private let key: [UInt8]
    private let keys: (any CallerKeys)?

    /// - Parameters:
    ///   - key: which the process was started with, good for everything.
    ///   - keys: others.
    package init(key: String, keys: (any CallerKeys)? = nil) {
        self.key = Array(key.utf8)
        self.keys = keys
    }

    package func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard let presented = presentedKey(in: request.headers) else {
            throw Problem(.unauthorized, "key-missing", "send the API key as `Authorization: Bearer KEY`")
        }
        var context = context
        context.caller = try caller(presented)
        if ![.get, .head].contains(request.method) { _ = try context.require(.write) }
        return try await next(request, context)
    }

    private func caller(_ presented: Substring) throws -> Caller {
        if matches(presented) { return .configured }
        switch keys?.verdict(on: presented) ?? .unknown {
        case .caller(let caller): return caller
        case .unknown: throw Problem(.unauthorized, "key-wrong", "the API key is none that this service knows")
        case .expired:
            throw Problem(.unauthorized, "key-expired", "the API key was good until now; ask for another one")
        case .notYet:
            throw Problem(
                .serviceUnavailable, "keys-unread", "this copy has not read the API keys yet; try again",
                retryAfterSeconds: 1)
        }
    }

    private func presentedKey(in headers: HTTPFields) -> Substring? {
        if let key = headers[.apiKey] { return key[...] }
        guard let authorization = headers[.authorization] else { return nil }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1].drop { $0 == " " }
    }

    /// Compares in a time that does not depend on where the difference is.
    private func matches(_ presented: Substring) -> Bool {
        let bytes = Array(presented.utf8)
        var difference = UInt8(bytes.count == key.count ? 0 : 1)
        for index in key.indices { difference |= key[index] ^ (index < bytes.count ? bytes[index] : 0) }
        return difference == 0
    }
}
