/// What readers were shown.
package struct StaleFigures: Codable, Sendable {
    struct Hammer: Codable, Sendable {
        let reads: Int
        let writes: Int
        /// Calls that were answered with an error, as while a server is away.
        let refused: Int
        /// Reads of a version older than one that had been announced when they began.
        let olderThanAnnounced: Int
        /// Of those, how long the newer one had been announced.
        let oldestSeconds: Double
        /// Reads older than what had been announced for longer than the stated bound.
        let olderThanBound: Int
        let hitShare: Double
        /// Reads of products in PostgreSQL.
        let queriesPerMinute: Int
        let readMilliseconds: LatencySummary
        let readsPerSecond: Int
    }

    struct Visibility: Codable, Sendable {
        /// From the call that writes to the first read through another copy that shows it.
        let hintAndEventsMilliseconds: LatencySummary
        /// While no invalidator runs.
        let hintAloneMilliseconds: LatencySummary
        /// Of changes made in the database itself.
        let eventsAloneMilliseconds: LatencySummary
    }

    let broker: String
    let boundSeconds: Double
    let underFaults: Hammer
    let invisible: Visibility
    /// As many calls as there are answers.
    let cachedReads: Hammer
    let plainCacheAside: Hammer
    /// At the same rate of calls, which neither has trouble with.
    let cachedReadsPaced: Hammer
    let plainCacheAsidePaced: Hammer

    /// Whether so many calls were refused that what the others were shown says little.
    package var isMostlyRefused: Bool { underFaults.refused * 10 > underFaults.reads + underFaults.writes }

    package var isStale: Bool { underFaults.olderThanAnnounced > 0 || cachedReads.olderThanAnnounced > 0 }
}
