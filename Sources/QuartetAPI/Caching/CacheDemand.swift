import HTTPTypes
import Hummingbird
import QuartetHTTP

/// What a caller asks of a cached read: `Cache-Control: no-cache`, and `min_version`.
package struct CacheDemand: Sendable {
    var wantsFresh = false
    var versionMin: Int64 = 0

    package init() {}

    init(_ request: Request) throws {
        wantsFresh = request.headers[values: .cacheControl].contains { field in
            field.lowercased().split(separator: ",").contains { part in
                ["no-cache", "no-store", "max-age=0"].contains(part.filter { $0 != " " })
            }
        }
        guard let text = request.uri.queryParameters["min_version"] else { return }
        guard let version = Int64(text), version >= 0 else {
            throw Problem(.badRequest, "bad-parameter", "min_version is a version, as an ETag has it")
        }
        versionMin = version
    }
}

/// Where an answer came from.
///
/// Source: RFC 9211, "The Cache-Status HTTP Response Header Field".
package enum CacheStatus: Sendable, Hashable {
    case hit
    /// Loaded by this call, and put into the cache or not.
    case miss(isStored: Bool)
    /// The caller wanted it fresh.
    case request(isStored: Bool)
    case bypass(Reason)

    package enum Reason: String, Sendable, Hashable {
        /// The cache does not answer, or not in time.
        case unavailable = "cache-unavailable"
        /// It is not known that invalidations arrive.
        case behind = "invalidations-behind"
        /// Whoever loads it takes long.
        case busy = "load-takes-long"
    }

    var text: String {
        switch self {
        case .hit: "quartet; hit"
        case .miss(let isStored): "quartet; fwd=miss\(isStored ? "; stored" : "")"
        case .request(let isStored): "quartet; fwd=request\(isStored ? "; stored" : "")"
        case .bypass(let reason): "quartet; fwd=bypass; detail=\(reason.rawValue)"
        }
    }
}
