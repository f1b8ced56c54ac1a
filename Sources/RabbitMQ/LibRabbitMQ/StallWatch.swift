import ClientSupport
import Dispatch
import Foundation
import Synchronization

/// Ends calls of librabbitmq that don't come back: it sends without a time limit, and a server that stands still takes
/// nothing. The socket is shut down then, upon which the call fails.
final class StallWatch: Sendable {
    private struct State {
        var descriptor: Int32?
        /// When the call that is on the way has to be back.
        var deadline: Deadline?
        /// When the alarm that counts goes off: it stays set for the calls after this one.
        var alarm: Deadline?
        var wasCut = false
    }

    private let state = Mutex(State())

    /// Whether a call was ended.
    var wasCut: Bool { state.withLock { $0.wasCut } }

    func opened(_ descriptor: Int32) {
        state.withLock { $0.descriptor = descriptor }
    }

    /// Before the socket is closed: its number may be another's then.
    func closing() {
        state.withLock { $0.descriptor = nil }
    }

    func call<Value>(until deadline: Deadline, _ body: () -> Value) -> Value {
        begin(until: deadline)
        defer { end() }
        return body()
    }

    /// For several calls on end; ``end()`` must follow.
    func begin(until deadline: Deadline) {
        let isNew = state.withLock { state in
            state.deadline = deadline
            if let alarm = state.alarm, alarm <= deadline { return false }
            state.alarm = deadline
            return true
        }
        if isNew { setAlarm(deadline) }
    }

    func end() {
        state.withLock { $0.deadline = nil }
    }

    private func setAlarm(_ time: Deadline) {
        let left = Int(time.remainingMilliseconds)
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(left)) { [weak self] in self?.sound(time) }
    }

    private func sound(_ time: Deadline) {
        let following = state.withLock { state -> Deadline? in
            guard state.alarm == time else { return nil }
            state.alarm = nil
            guard let deadline = state.deadline, let descriptor = state.descriptor else { return nil }
            guard deadline.isPast else {
                state.alarm = deadline
                return deadline
            }
            state.wasCut = true
            shutdown(descriptor, Int32(SHUT_RDWR))
            return nil
        }
        if let following { setAlarm(following) }
    }
}
