package import Hummingbird
import Synchronization

/// Which methods there are at which paths, so that a call by another one can be told from one to nowhere.
package final class KnownPaths: Sendable {
    private struct Path: Sendable {
        /// Nil takes any part.
        let parts: [String?]
        var methods: Set<String>
    }

    private let paths = Mutex<[String: Path]>([:])

    package init() {}

    /// What can be got can be asked for its head alone.
    package func add(_ path: String, _ method: HTTPRequest.Method) {
        let methods = method == .get ? ["GET", "HEAD"] : [method.rawValue]
        let parts = path.split(separator: "/").map { $0.hasPrefix("{") ? nil : String($0) }
        paths.withLock { $0[path, default: Path(parts: parts, methods: [])].methods.formUnion(methods) }
    }

    /// The methods at `path` in the order of their names, none where nothing is there. A path that is named counts before
    /// one that takes any part.
    package func methods(at path: String) -> [String] {
        let parts = path.split(separator: "/")
        let found = paths.withLock { paths in
            paths.values.filter { known in
                known.parts.count == parts.count
                    && zip(known.parts, parts).allSatisfy { known, part in known.map { $0 == part } ?? true }
            }.max { $0.parts.count { $0 != nil } < $1.parts.count { $0 != nil } }
        }
        return (found?.methods ?? []).sorted()
    }
}
