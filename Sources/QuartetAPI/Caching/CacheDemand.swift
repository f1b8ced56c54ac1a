import HTTPTypes
import Hummingbird
import QuartetHTTP

/// What a caller asks of a cached read: `Cache-Control: no-cache`, or `max-stale`, and `min_version`.
package struct CacheDemand: Sendable {
    /// An entry that was replaced is kept for some minutes at most.
    private static let staleSecondsMax = 86_400

    var wantsFresh = false
    var versionMin: Int64 = 0
    /// For how long an entry may be old that is the answer while another caller loads it anew.
    var staleMax = Duration.zero

    package init() {}

    init(_ request: Request) throws {
        for field in request.headers[values: .cacheControl] {
            for part in field.lowercased().split(separator: ",") {
                let directive = part.filter { $0 != " " && $0 != "\t" && $0 != "\"" }
                if ["no-cache", "no-store", "max-age=0"].contains(directive) { wantsFresh = true }
                guard directive.hasPrefix("max-stale") else { continue }
                let value = directive.dropFirst("max-stale".count)
                // Without seconds any age will do; what is no number is passed over, as RFC 9111 has it.
                let seconds = value.isEmpty ? Self.staleSecondsMax : value.first == "=" ? Int(value.dropFirst()) : nil
                if let seconds { staleMax = .seconds(min(max(seconds, 0), Self.staleSecondsMax)) }
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
    /// It was replaced so long ago, and the caller allows that.
    case stale(for: Duration)
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
        case .stale(let age): "quartet; hit; ttl=-\(max(1, age.components.seconds))"
        case .miss(let isStored): "quartet; fwd=miss\(isStored ? "; stored" : "")"
        case .request(let isStored): "quartet; fwd=request\(isStored ? "; stored" : "")"
        case .bypass(let reason): "quartet; fwd=bypass; detail=\(reason.rawValue)"
        }
    }
}
