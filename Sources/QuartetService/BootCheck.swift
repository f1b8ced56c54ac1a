import Logging
import ServiceLifecycle
import Synchronization

/// Looks at the stores while signals are heard and health is served already. A process whose schema is not there ends.
struct BootCheck: Service {
    let clients: StoreClients
    let gate: BootGate

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await clients.checkAtBoot() }
            gate.open()
        } catch is CancellationError {
            return
        }
        try? await gracefulShutdown()
    }
}

/// Closed until the stores were looked at.
final class BootGate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [AsyncStream<Never>.Continuation] = []
    }

    private let state = Mutex(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.finish() }
    }

    /// False if the caller was cancelled before it was opened.
    func opened() async -> Bool {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        state.withLock { state in
            if state.isOpen { continuation.finish() } else { state.waiting.append(continuation) }
        }
        for await _ in stream {}
        return state.withLock { $0.isOpen }
    }
}

/// A role that begins once the stores were looked at.
struct AfterBoot: Service {
    let gate: BootGate
    let role: any Service

    func run() async throws {
        guard await cancelWhenGracefulShutdown({ await gate.opened() }) else { return }
        try await role.run()
    }
}
