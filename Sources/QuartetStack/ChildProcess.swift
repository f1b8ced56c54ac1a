package import ClientSupport
import Dispatch
package import Foundation
import Synchronization

/// A process made by this one, in a session of its own: a Ctrl-C at the terminal does not reach it.
///
/// A queue of its own waits for its end. It is reaped under the lock that guards signals, so that a signal can never hit
/// another process that got the same pid.
package final class ChildProcess: Sendable {
    package enum End: Sendable, Hashable, CustomStringConvertible {
        case status(Int32)
        case signal(Int32)

        package var description: String {
            switch self {
            case .status(let status): "status \(status)"
            case .signal(let signal): "signal \(signal)"
            }
        }
    }

    private struct State {
        var end: End?
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextID: UInt64 = 0
    }

    package let pid: pid_t
    private let watchdog: Watchdog
    private let state = Mutex(State())

    /// Starts `command` in the root folder, with `log` appended to as its standard output and error.
    ///
    /// - Parameter orphanSignal: the name of the signal it gets when this process is gone.
    /// - Throws: `StackError` when it can't be started.
    package init(_ command: [String], log: URL, orphanSignal: String) throws {
        watchdog = try Watchdog.shared()
        let output = open(log.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard output >= 0 else { throw StackError.system(.cannotUseDirectory, "can't write \(log.path)") }
        defer { close(output) }
        pid = try spawn(
            ["/bin/sh", "-c", Self.script, "sh", orphanSignal] + command, output: output, control: watchdog.socket)
        let queue = DispatchQueue(label: "quartet.stack.child.\(pid)")
        queue.async { [self] in waitAndReap() }
    }

    /// The child itself tells the watchdog of its pid before it becomes the server: this process may die at any moment,
    /// also in the midst of making it.
    static let script = """
        cd / && echo "guard $$:$1" >&3 && shift && exec "$@" 3>&-
        """

    /// How it ended; nil while it runs.
    package var end: End? { state.withLock { $0.end } }

    /// Sends a signal unless the process has ended.
    package func signal(_ signal: Int32) {
        state.withLock { state in
            if state.end == nil { Foundation.kill(pid, signal) }
        }
    }

    /// Waits for the process's end until `deadline`, which may pass without it; see ``end``.
    package func waitForEnd(until deadline: Deadline) async {
        try? await withDeadline(deadline, waitingFor: "the end of process \(pid)") { await self.waitForEnd() }
    }

    /// Returns when the process has ended or the caller is cancelled.
    package func waitForEnd() async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.end != nil || Task.isCancelled { return true }
                    state.waiting[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
        }
    }

    private func waitAndReap() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        watchdog.release(pid)
        let waiting = state.withLock { state in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
            let signal = status & 0x7f
            state.end = signal == 0 ? .status((status >> 8) & 0xff) : .signal(signal)
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// Starts `command` with a fresh environment, default signals, a session of its own and no descriptors but the given
/// ones: a server must not hold a socket or a lock of ours.
///
/// - Parameters:
///   - input: its standard input; nil for /dev/null.
///   - output: its standard output and error.
///   - control: its descriptor 3.
func spawn(_ command: [String], input: Int32? = nil, output: Int32, control: Int32? = nil) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
        posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, output, 2)
    if let control { posix_spawn_file_actions_adddup2(&actions, control, 3) }
    // Libraries open descriptors without close-on-exec at any moment. New ones take the lowest numbers that are free, so
    // the whole range is closed, with room above for those that are opened meanwhile.
    let known = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    let highest = min((known.compactMap(Int32.init).max() ?? 255) + 256, getdtablesize() - 1)
    for descriptor in stride(from: control == nil ? 3 : 4, through: highest, by: 1) {
        posix_spawn_file_actions_addclose(&actions, descriptor)
    }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    // POSIX_SPAWN_SETSID, which the C library declares for GNU sources only.
    let newSession: Int16 = 0x80
    posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | newSession)

    // Variables such as PGPORT or PGOPTIONS would change what a server does.
    let inherited = ["PATH", "HOME", "TMPDIR"].compactMap { name in
        ProcessInfo.processInfo.environment[name].map { "\(name)=\($0)" }
    }
    var arguments = command.map { strdup($0) } + [nil]
    var environment = (inherited + ["LC_ALL=C.UTF-8"]).map { strdup($0) } + [nil]
    defer { for string in arguments + environment { free(string) } }
    var pid: pid_t = 0
    let code = spawnLock.withLock { _ in
        posix_spawn(&pid, command[0], &actions, &attributes, &arguments, &environment)
    }
    guard code == 0 else {
        throw StackError(code: .startFailed, message: "can't start \(command[0]): \(String(cString: strerror(code)))")
    }
    return pid
}

extension StackError {
    /// `message` and what `errno` says; call it in the scope of the call that failed.
    static func system(_ code: Code, _ message: String) -> StackError {
        StackError(code: code, message: "\(message): \(String(cString: strerror(errno)))")
    }
}
