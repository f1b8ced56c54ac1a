import ClientSupport
import Synchronization

/// Calls that nobody needs the outcome of, such as bells and progress on the way: each is waited for a moment at most, and while
/// one is held up no other is made. Without that, a store that does not answer would cost every step its whole timeout.
final class BestEffort: Sendable {
    private static let patience = Duration.milliseconds(250)

    private let isHeldUp = Atomic(false)

    /// - Throws: why the call is not known to be done.
    func callAsFunction(_ call: @escaping @Sendable () async throws -> Void) async throws {
        guard !isHeldUp.load(ordering: .relaxed) else { throw DeadlineExceeded(waitingFor: "an earlier call") }
        do {
            try await withDeadline(.after(Self.patience), waitingFor: "what can be done without", call)
        } catch {
            if !(error is CancellationError) { look(call) }
            throw error
        }
    }

    /// Makes the call once more, with nobody waiting; its end opens the way again, whichever it is.
    private func look(_ call: @escaping @Sendable () async throws -> Void) {
        guard !isHeldUp.exchange(true, ordering: .relaxed) else { return }
        Task { [self] in
            try? await call()
            isHeldUp.store(false, ordering: .relaxed)
        }
    }
}
