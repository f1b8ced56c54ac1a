import QuartetCore
import Synchronization

/// The server that takes the writes of fakes which share it: what is not durable yet is lost when it fails over.
package final class FakePrimary: Sendable {
    private struct State {
        var term: UInt8 = 1
        var undo: [@Sendable () -> Void] = []
        var beforeDurable: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    package init() {}

    var term: WriteTerm { WriteTerm(id: [state.withLock(\.term)]) }

    /// Says how to take a write back that was made just now.
    func wrote(undo: @escaping @Sendable () -> Void) {
        state.withLock { $0.undo.append(undo) }
    }

    /// Makes everything durable that was written before; returns the term in which.
    func becomeDurable() -> WriteTerm {
        state.withLock { $0.beforeDurable.take() }?()
        state.withLock { $0.undo = [] }
        return term
    }

    /// Another server takes over, which has only what was durable.
    package func failOver() {
        let undo = state.withLock { state in
            defer { state.undo = [] }
            state.term += 1
            return state.undo
        }
        for undo in undo.reversed() { undo() }
    }

    package func beforeNextDurableWrite(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.beforeDurable = action }
    }
}
