package enum CacheInvalidation: Sendable, Hashable {
    case entry(CacheKey, version: Int64)
    case tag(CacheTag)

    package init(key: CacheKey, version: Int64) {
        self = .entry(key, version: version)
    }

    /// The newest of each key alone, and each tag once.
    package static func merged(_ invalidations: [CacheInvalidation]) -> [CacheInvalidation] {
        var versions: [CacheKey: Int64] = [:]
        var tags: Set<CacheTag> = []
        for invalidation in invalidations {
            switch invalidation {
            case .entry(let key, let version): versions[key] = max(version, versions[key] ?? version)
            case .tag(let tag): tags.insert(tag)
            }
        }
        return versions.map { .entry($0, version: $1) } + tags.map { .tag($0) }
    }
}
