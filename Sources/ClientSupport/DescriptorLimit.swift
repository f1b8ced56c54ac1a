import Foundation

/// How many files and connections a process may have open.
package enum DescriptorLimit {
    /// More than that and programs that a process starts take long to close them all.
    private static let useful: rlim_t = 65_536

    /// Takes what the system allows. The usual limit of 1024 is for programs that wait by `select`, which none of ours does.
    package static func raise() {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < min(limit.rlim_max, useful) else { return }
        limit.rlim_cur = min(limit.rlim_max, useful)
        // Where it is refused, the limit is what it was.
        _ = setrlimit(resource, &limit)
    }

    package static var current: Int {
        var limit = rlimit()
        return getrlimit(resource, &limit) == 0 ? Int(clamping: limit.rlim_cur) : 1024
    }

    /// How many of `wanted` connections of callers there may be, so that some are left for stores, files and probes.
    package static func callers(of wanted: Int, among descriptors: Int = current) -> Int {
        min(wanted, max(1, descriptors - min(256, descriptors / 2)))
    }

    #if canImport(Darwin)
        private static let resource = RLIMIT_NOFILE
    #else
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #endif
}
