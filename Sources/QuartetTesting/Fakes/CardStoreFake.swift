package import QuartetCore
import Synchronization

/// Emotion cards in memory.
package final class FakeCardStore: CardStore {
    package enum Call: Sendable, Hashable, CaseIterable {
        case insert, replace, segments, pages, counts
    }

    private let faults = FaultPlan<Call>()
    private let primary: FakePrimary
    private let stored = Mutex<[RequestID: [Int: CardSegment]]>([:])

    package init(primary: FakePrimary = FakePrimary()) {
        self.primary = primary
    }

    /// Makes the next call fail, or the next one of `call`. Failures wait in the order in which they were asked for.
    ///
    /// - Parameter tookEffect: the call does its work all the same, as when a connection is lost before the answer.
    package func failNext(_ call: Call? = nil, with error: any Error, tookEffect: Bool = false) {
        faults.failNext(call, with: error, tookEffect: tookEffect)
    }

    /// Whether a failure that was asked for has not come yet.
    package var hasFailuresWaiting: Bool { !faults.isEmpty }

    package func insert(_ segments: [CardSegment]) async throws -> InsertedSegments {
        try faults.run(.insert) {
            let term = primary.becomeDurable()
            let isNew = stored.withLock { stored in
                segments.map { segment in
                    guard stored[segment.requestID]?[segment.first] == nil else { return false }
                    stored[segment.requestID, default: [:]][segment.first] = segment
                    return true
                }
            }
            return InsertedSegments(isNew: isNew, term: term)
        }
    }

    package func replace(_ pairs: [(stored: CardSegment, by: CardSegment?)]) async throws {
        try faults.run(.replace) {
            stored.withLock { stored in
                for (old, new) in pairs {
                    guard let present = stored[old.requestID]?[old.first],
                        present.cards.prefix(old.cards.count).map(\.reviewID) == old.cards.map(\.reviewID)
                    else { continue }
                    stored[old.requestID]?[old.first] = new
                }
            }
        }
    }

    package func segments(of request: RequestID, after: Int?, limit: Int) async throws -> [CardSegment] {
        try faults.run(.segments) {
            let all = stored.withLock { Array($0[request, default: [:]].values) }
            var count = 0
            let page = CardSegment.cut(all.sorted { $0.first < $1.first })
                .filter { $0.isDamaged || $0.end > (after ?? -1) + 1 }
                .prefix { segment in
                    defer { count += segment.end - max(segment.first, (after ?? -1) + 1) }
                    return count < limit
                }
            return Array(page)
        }
    }

    package func pages(_ places: [CardPlace]) async throws -> [CardPage] {
        try faults.run(.pages) {
            places.map { place in
                let all = stored.withLock { Array($0[place.requestID, default: [:]].values) }
                let behind = CardSegment.cut(all.sorted { $0.first < $1.first }).filter { $0.first >= place.ordinal }
                return CardPage(Array(behind.prefix(1)), hasMore: behind.count > 1)
            }
        }
    }

    package func counts(_ ids: [RequestID]) async throws -> [Int] {
        try faults.run(.counts) {
            stored.withLock { stored in ids.map { stored[$0]?.values.reduce(0) { $0 + $1.cards.count } ?? 0 } }
        }
    }

    // MARK: For ``FakeDocumentCheckStore``

    /// Every segment, in key order.
    var all: [CardSegment] {
        let all = stored.withLock { $0.values.flatMap(\.values) }
        return CardSegment.cut(all.sorted { ($0.requestID, $0.first) < ($1.requestID, $1.first) })
    }

    func remove(_ id: RequestID, from ordinal: Int) {
        stored.withLock { stored in
            let kept = stored[id, default: [:]].values.compactMap { segment in
                let cards = segment.cards.filter { $0.ordinal < ordinal }
                return cards.isEmpty ? nil : CardSegment(cards)
            }
            stored[id] = Dictionary(uniqueKeysWithValues: kept.map { ($0.first, $0) })
        }
    }
}
