import DequeModule
import QuartetCore
import Synchronization

/// What this process knows for good: products are never deleted and reviews never removed, so "there is one" stays true.
/// Bounded; the oldest knowledge is forgotten first.
final class ProductDirectory: Sendable {
    enum Fact: Hashable {
        case exists(ProductID)
        case hasReviews(ProductID)
        /// The cache was told that the request's result is there.
        case hintGiven(RequestID)
    }

    private struct State {
        var facts = Set<Fact>()
        var order = Deque<Fact>()
    }

    private let factsMax: Int
    private let state = Mutex(State())

    init(factsMax: Int = 100_000) {
        self.factsMax = factsMax
    }

    func knows(_ fact: Fact) -> Bool {
        state.withLock { $0.facts.contains(fact) }
    }

    func learn(_ fact: Fact) {
        state.withLock { state in
            guard state.facts.insert(fact).inserted else { return }
            state.order.append(fact)
            if state.order.count > factsMax, let oldest = state.order.popFirst() { state.facts.remove(oldest) }
        }
    }
}
