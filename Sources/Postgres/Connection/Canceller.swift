import CLibPQ
import Dispatch

/// Owns one `PGcancel`, which is never changed once made and which libpq allows to be used from any thread: hence the
/// unchecked conformance.
final class Canceller: @unchecked Sendable {
    private let cancel: OpaquePointer
    /// `PQcancel` makes a connection of its own and blocks on it.
    private let queue = DispatchQueue(label: "postgres.cancel")

    /// Takes ownership of `cancel`.
    init(_ cancel: OpaquePointer) {
        self.cancel = cancel
    }

    deinit {
        PQfreeCancel(cancel)
    }

    /// Asks the server to cancel what the connection is running and says when the server has passed it on, with what
    /// went wrong if anything did.
    func send(then completion: @escaping @Sendable (String?) -> Void) {
        queue.async {
            var text = [CChar](repeating: 0, count: 256)
            let isSent = PQcancel(self.cancel, &text, Int32(text.count)) == 1
            completion(isSent ? nil : text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } })
        }
    }
}
