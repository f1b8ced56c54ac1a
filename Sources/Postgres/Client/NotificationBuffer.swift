import DequeModule
import Synchronization

/// What a listening connection's thread hands to the listener. When the listener falls too far behind, it is told so
/// in place of what does not fit.
final class NotificationBuffer: Sendable {
    enum Item: Sendable {
        case notification(channel: String, payload: String)
        case missed
        case connectionEnded
    }

    private struct State {
        var items = Deque<Item>()
        var hasMissed = false
        var hasEnded = false
        var reader: CheckedContinuation<Item?, Never>?

        mutating func takeNext() -> Item? {
            if hasMissed {
                hasMissed = false
                return .missed
            }
            return items.popFirst() ?? (hasEnded ? .connectionEnded : nil)
        }
    }

    private let countMax: Int
    private let state = Mutex(State())

    init(countMax: Int) {
        self.countMax = countMax
    }

    func put(channel: String, payload: String) {
        change { state in
            if state.items.count < countMax {
                state.items.append(.notification(channel: channel, payload: payload))
            } else {
                state.items.removeAll()
                state.hasMissed = true
            }
        }
    }

    func connectionEnded() {
        change { $0.hasEnded = true }
    }

    /// The next item; nil if the reader was cancelled.
    func next() async -> Item? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The handler takes the same lock: either it finds the reader, or the reader finds itself cancelled.
                let (item, mustWait) = state.withLock { state -> (Item?, Bool) in
                    if let item = state.takeNext() { return (item, false) }
                    if Task.isCancelled { return (nil, false) }
                    precondition(state.reader == nil, "one reader at a time")
                    state.reader = continuation
                    return (nil, true)
                }
                if !mustWait { continuation.resume(returning: item) }
            }
        } onCancel: {
            let reader = state.withLock { state in
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume(returning: nil)
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let (reader, item) = state.withLock { state -> (CheckedContinuation<Item?, Never>?, Item?) in
            body(&state)
            guard let reader = state.reader, let item = state.takeNext() else { return (nil, nil) }
            state.reader = nil
            return (reader, item)
        }
        reader?.resume(returning: item)
    }
}
