import CLibPQ
import Foundation

/// Owns an `eventfd`, with which other threads end a connection thread's `poll`.
struct WakeDescriptor: ~Copyable, Sendable {
    let descriptor: Int32

    /// - Throws: `connectFailed` if the process has no descriptors left.
    init() throws(PostgresError) {
        // EFD_NONBLOCK and EFD_CLOEXEC don't import; they are defined as these.
        descriptor = eventfd(0, O_NONBLOCK | O_CLOEXEC)
        if descriptor < 0 {
            throw PostgresError(.connectFailed, "eventfd: \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        close(descriptor)
    }

    func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
