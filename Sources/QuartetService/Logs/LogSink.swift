import ClientSupport
import CoreMetrics
import Dispatch
import Foundation
import Synchronization

/// Takes log lines and never keeps a caller waiting: while whoever reads them does not, or the disk is full, lines are
/// dropped and counted, and the next one that goes out is told of it.
package final class LogSink: Sendable {
    /// The process's log.
    package static let standardError: LogSink = {
        let sink = LogSink(descriptor: STDERR_FILENO)
        ProcessEnd.onEnd { LogSink.standardError.flush(atMost: .seconds(1)) }
        return sink
    }()

    private enum Outcome {
        case written(Int)
        /// There is no room now.
        case full
        case failed
    }

    private struct State {
        /// What could not be written at once, in whole lines but for the first, which may have begun.
        var backlog: [UInt8] = []
        var droppedCount = 0
        var isDraining = false
    }

    private static let droppedLabel = "quartet_log_lines_dropped_total"

    private let descriptor: Int32
    private let isOwn: Bool
    private let isSocket: Bool
    private let backlogBytesMax: Int
    private let queue = DispatchQueue(label: "quartet.log")
    private let state = Mutex(State())

    /// A pipe and a terminal are opened once more, not to wait for room: what others do with the same descriptor stays as it
    /// is. A file always has room, or fails.
    package init(descriptor: Int32, backlogBytesMax: Int = 256 * 1024) {
        self.backlogBytesMax = backlogBytesMax
        var status = stat()
        let kind = fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : 0
        isSocket = kind == S_IFSOCK
        let path = "/proc/self/fd/\(descriptor)"
        let isReopened = kind == S_IFIFO || kind == S_IFCHR
        let own = isReopened ? open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1
        isOwn = own >= 0
        self.descriptor = isOwn ? own : descriptor
    }

    deinit {
        if isOwn { close(descriptor) }
    }

    /// Lines that nobody will see.
    package var droppedCount: Int { state.withLock { $0.droppedCount } }

    /// - Parameter line: with its end.
    package func write(_ line: String) {
        let isDropped = state.withLock { state in
            guard state.backlog.isEmpty else { return !keep(Array(line.utf8)[...], &state) }
            var bytes = Array(line.utf8)
            if state.droppedCount > 0 { bytes = Array(Self.notice(state.droppedCount).utf8) + bytes }
            switch put(bytes[...]) {
            case .written(let count) where count == bytes.count:
                state.droppedCount = 0
                return false
            case .written(let count):
                state.droppedCount = 0
                return !keep(bytes[count...], &state)
            case .full: return !keep(Array(line.utf8)[...], &state)
            case .failed: return true
            }
        }
        guard isDropped else { return }
        state.withLock { $0.droppedCount += 1 }
        Counter(label: Self.droppedLabel).increment()
    }

    /// Waits until what is kept is written, for the end of the process.
    package func flush(atMost timeout: Duration) {
        let end = ContinuousClock.now.advanced(by: timeout)
        while ContinuousClock.now < end, state.withLock({ !$0.backlog.isEmpty }) {
            waitForRoom(milliseconds: 50)
            state.withLock { drain(&$0) }
        }
    }

    private static func notice(_ count: Int) -> String { "(\(count) log lines were dropped)\n" }

    /// Whether there was room for it.
    private func keep(_ bytes: ArraySlice<UInt8>, _ state: inout State) -> Bool {
        guard state.backlog.count + bytes.count <= backlogBytesMax else { return false }
        state.backlog += bytes
        if !state.isDraining {
            state.isDraining = true
            queue.async { [self] in drainUntilEmpty() }
        }
        return true
    }

    private func drainUntilEmpty() {
        while true {
            waitForRoom(milliseconds: 1_000)
            let isOver = state.withLock { state in
                drain(&state)
                if state.backlog.isEmpty { state.isDraining = false }
                return state.backlog.isEmpty
            }
            if isOver { return }
        }
    }

    private func drain(_ state: inout State) {
        var written = 0
        loop: while written < state.backlog.count {
            switch put(state.backlog[written...]) {
            case .written(let count): written += count
            case .full: break loop
            case .failed:
                state.droppedCount += state.backlog[written...].count { $0 == UInt8(ascii: "\n") }
                written = state.backlog.count
            }
        }
        state.backlog.removeFirst(written)
    }

    private func put(_ bytes: ArraySlice<UInt8>) -> Outcome {
        while true {
            let count = bytes.withUnsafeBytes { bytes in
                isSocket
                    ? send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
                    : Foundation.write(descriptor, bytes.baseAddress, bytes.count)
            }
            if count >= 0 { return .written(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .full : .failed
        }
    }

    private func waitForRoom(milliseconds: Int32) {
        var place = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&place, 1, milliseconds)
    }
}
