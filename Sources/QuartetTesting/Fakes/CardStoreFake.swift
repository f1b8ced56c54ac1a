package import QuartetCore
import Synchronization

/// Emotion cards in memory.
package final class FakeCardStore: CardStore {
    package enum Call: Sendable, Hashable, CaseIterable {
        case insert, remove, cards, counts
    }

    private let faults = FaultPlan<Call>()
    private let primary: FakePrimary
    private let stored = Mutex<[RequestID: [Int: EmotionCard]]>([:])

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

    package func insert(_ cards: [EmotionCard]) async throws -> InsertedCards {
        try faults.run(.insert) {
            let term = primary.becomeDurable()
            let isNew = stored.withLock { stored in
                cards.map { card in
                    guard stored[card.requestID]?[card.ordinal] == nil else { return false }
                    stored[card.requestID, default: [:]][card.ordinal] = card
                    return true
                }
            }
            return InsertedCards(isNew: isNew, term: term)
        }
    }

    package func remove(_ cards: [EmotionCard]) async throws {
        try faults.run(.remove) {
            stored.withLock { stored in
                for card in cards where stored[card.requestID]?[card.ordinal]?.reviewID == card.reviewID {
                    stored[card.requestID]?[card.ordinal] = nil
                }
            }
        }
    }

    package func cards(of request: RequestID, after: Int?, limit: Int) async throws -> [EmotionCard] {
        try faults.run(.cards) {
            let cards = stored.withLock { $0[request]?.values.filter { $0.ordinal > after ?? -1 } ?? [] }
            return Array(cards.sorted { $0.ordinal < $1.ordinal }.prefix(limit))
        }
    }

    package func counts(_ ids: [RequestID]) async throws -> [Int] {
        try faults.run(.counts) { stored.withLock { stored in ids.map { stored[$0]?.count ?? 0 } } }
    }

    // MARK: For ``FakeDocumentCheckStore``

    /// Every card, in key order.
    var all: [EmotionCard] {
        stored.withLock { stored in
            stored.values.flatMap(\.values).sorted { ($0.requestID, $0.ordinal) < ($1.requestID, $1.ordinal) }
        }
    }

    func remove(_ id: RequestID, from ordinal: Int) {
        stored.withLock { stored in stored[id] = stored[id]?.filter { $0.key < ordinal } }
    }
}
