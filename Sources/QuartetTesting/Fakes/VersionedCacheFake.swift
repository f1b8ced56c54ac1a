package import ClientSupport
package import Foundation
package import QuartetCore
import Synchronization

/// A versioned cache in memory. It knows how long its keys are to live, but none goes by itself; ``lose()`` empties it.
package final class FakeVersionedCache: VersionedCache {
    package static let analysisTTL = CacheFamily.latestResults.timeToLive
    package static let productTTL = CacheFamily.products.timeToLive
    package static let tombstoneTTL = Duration.seconds(600)

    struct Slot {
        /// Nil where there is a lease alone.
        var version: Int64?
        /// Nil is a tombstone.
        var entry: CacheEntry?
        /// When the look began by which it was loaded.
        var at: Int64 = 0
        /// What a tombstone took the place of, and when.
        var older: (entry: CacheEntry, at: Int64)?
        var stamp = ""
        /// Nil: for ever.
        var timeToLive: Duration?
        var lease = ""
    }

    package enum Call: Sendable, Hashable, CaseIterable {
        case get, put, invalidate
    }

    private struct State {
        var slots: [CacheKey: Slot] = [:]
        var stamps: [CacheTag: String] = [:]
        var epoch = 1
        var calls: [Call: Int] = [:]
    }

    private let faults = FaultPlan<Call>()
    private let state = Mutex(State())
    private let now: @Sendable () -> Date

    /// - Parameter now: the cache's clock.
    package init(now: @escaping @Sendable () -> Date = { Date() }) {
        self.now = now
    }

    /// Makes the next call fail, or the next one of `call`. Failures wait in the order in which they were asked for.
    ///
    /// - Parameter tookEffect: the call does its work all the same, as when a connection is lost before the answer.
    package func failNext(_ call: Call? = nil, with error: any Error, tookEffect: Bool = false) {
        faults.failNext(call, with: error, tookEffect: tookEffect)
    }

    package func callCount(of call: Call) -> Int { state.withLock { $0.calls[call] ?? 0 } }

    private func count(_ call: Call) { state.withLock { $0.calls[call, default: 0] += 1 } }

    package func get(_ reads: [CacheRead]) async throws -> [CacheReply] {
        count(.get)
        return try faults.run(.get) { state.withLock { state in reads.map { reply(to: $0, &state) } } }
    }

    private func reply(to read: CacheRead, _ state: inout State) -> CacheReply {
        var slot = state.slots[read.key] ?? Slot()
        let stamp = read.key.family.tag.flatMap { state.stamps[$0] } ?? ""
        var entry = slot.stamp == stamp ? slot.entry : nil
        if let version = entry?.version, version < read.versionMin { entry = nil }
        let older = entry == nil ? older(in: slot, for: read) : nil
        var ticket = CacheTicket(epoch: "\(state.epoch)", milliseconds: milliseconds, stamp: stamp, lease: "")
        guard read.wantsLease, entry == nil || read.earliness.isInfinite else {
            return CacheReply(entry: entry, older: older, loader: .nobody, ticket: ticket)
        }
        guard slot.lease.isEmpty else {
            return CacheReply(
                entry: entry, older: older, loader: entry == nil ? .another : .nobody, ticket: ticket)
        }
        slot.lease = UUID().uuidString
        slot.timeToLive = slot.timeToLive ?? .seconds(2)
        state.slots[read.key] = slot
        ticket = CacheTicket(
            epoch: ticket.epoch, milliseconds: ticket.milliseconds, stamp: stamp, lease: slot.lease)
        return CacheReply(entry: entry, older: older, loader: .reader, ticket: ticket)
    }

    /// One whose tag was touched is taken to be old since it was loaded.
    private func older(in slot: Slot, for read: CacheRead) -> OlderEntry? {
        guard read.staleMax > .zero, let (entry, since) = slot.entry.map({ ($0, slot.at) }) ?? slot.older,
            entry.value != nil,
            entry.version >= read.versionMin, .milliseconds(milliseconds - since) <= read.staleMax
        else { return nil }
        return OlderEntry(entry: entry, age: .milliseconds(milliseconds - since))
    }

    package func put(_ entry: CacheEntry, at key: CacheKey, by ticket: CacheTicket) async throws -> Bool {
        count(.put)
        return try faults.run(.put) {
            state.withLock { state in
                if state.slots[key]?.lease == ticket.lease { state.slots[key]?.lease = "" }
                let age = Duration.milliseconds(milliseconds - ticket.milliseconds)
                let stamp = key.family.tag.flatMap { state.stamps[$0] } ?? ""
                guard ticket.epoch == "\(state.epoch)", ticket.stamp == stamp, age < Self.tombstoneTTL else {
                    return false
                }
                if let version = state.slots[key]?.version, version > entry.version { return false }
                state.slots[key] = Slot(
                    version: entry.version, entry: entry, at: ticket.milliseconds, stamp: stamp,
                    timeToLive: key.family.timeToLive,
                    lease: state.slots[key]?.lease ?? "")
                return true
            }
        }
    }

    package func invalidate(_ invalidations: [CacheInvalidation], deadline: Deadline?) async throws {
        count(.invalidate)
        try faults.run(.invalidate) {
            state.withLock { state in
                for invalidation in invalidations {
                    switch invalidation {
                    case .tag(let tag): state.stamps[tag] = UUID().uuidString
                    case .entry(let key, let version):
                        var slot = state.slots[key] ?? Slot()
                        guard slot.version ?? -1 < version else { continue }
                        if let entry = slot.entry, entry.value != nil { slot.older = (entry, milliseconds) }
                        (slot.version, slot.entry, slot.timeToLive) = (version, nil, Self.tombstoneTTL)
                        state.slots[key] = slot
                    }
                }
            }
        }
    }

    /// Loses everything, as a cache may.
    package func lose() {
        state.withLock { state in
            (state.slots, state.stamps) = ([:], [:])
            state.epoch += 1
        }
    }

    private var milliseconds: Int64 { Int64(now().timeIntervalSince1970 * 1000) }

    // MARK: For ``FakeCacheCheckStore``

    var contents: [CacheKey: Slot] { state.withLock { $0.slots } }

    /// - Parameter timeToLive: nil, for ever.
    func setTimeToLive(of key: CacheKey, _ timeToLive: Duration?) {
        state.withLock { $0.slots[key]?.timeToLive = timeToLive }
    }
}

extension VersionedCache {
    /// Puts as a reader who has just looked.
    package func put(_ entry: CacheEntry, at key: CacheKey) async throws -> Bool {
        try await put(entry, at: key, by: get([CacheRead(key: key, wantsLease: false)])[0].ticket)
    }
}
