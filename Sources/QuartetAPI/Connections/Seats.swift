import Synchronization

/// The connections that a listener holds open. Those beyond the usual number have a seat for probes only: a process whose
/// seats are all taken must still be able to say that it lives.
final class Seats: Sendable {
    /// The usual ones and those for probes.
    static func all(_ usual: Int) -> Int { usual + 16 }

    private let usual: Int
    private let taken = Mutex(0)

    init(_ usual: Int) {
        self.usual = usual
    }

    /// Whether it is a usual one.
    func take() -> Bool {
        taken.withLock { taken in
            taken += 1
            return taken <= usual
        }
    }

    func give() {
        taken.withLock { $0 -= 1 }
    }

    static func isProbe(_ path: String) -> Bool {
        ["/healthz", "/readyz", "/metrics"].contains(String(path.prefix { $0 != "?" }))
    }
}
