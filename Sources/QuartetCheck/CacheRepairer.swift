import QuartetCore
import QuartetRoles

/// Removes stale cache entries by tombstones, and makes keys expire.
struct CacheRepairer: Sendable {
    let ports: CheckPorts
    let looks: CacheLook

    func mend(_ found: [CacheSuspect]) async throws -> [CacheSuspect] {
        try await ports.cache.invalidate(
            found.compactMap { suspect in
                guard suspect.finding.kind != .keyWithoutExpiry, let entry = suspect.entry else { return nil }
                // An entry stays that is as new as the tombstone.
                return .entry(entry.key, version: max(suspect.rowVersion ?? 0, entry.version &+ 1, entry.version))
            })
        try await ports.caches.expire(found.filter { $0.finding.kind == .keyWithoutExpiry }.map(\.name))
        let present = try await ports.caches.keys(found.map(\.name)).compactMap { $0 }
        let remaining = try await looks.findings(present)
        return found.map { suspect in
            let rest = remaining.first { $0.name == suspect.name && $0.finding.kind == suspect.finding.kind }
            var suspect = suspect
            suspect.finding.repair = Repair(
                action: suspect.finding.kind == .keyWithoutExpiry ? "expires now" : "tombstone left",
                before: suspect.finding.detail, after: rest?.finding.detail ?? "as it should be", isDone: rest == nil)
            return suspect
        }
    }
}
