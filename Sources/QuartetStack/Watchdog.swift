import Foundation
import Synchronization

/// Ends this process's servers when this process is gone, however it went.
///
/// A shell in a session of its own reads one end of a socket whose other end only this process holds. Reading its end
/// means that this process is gone; then the shell ends the servers it was told of. Nothing else notices a SIGKILL:
/// a parent-death signal follows the thread that made the child, not the process.
final class Watchdog: Sendable {
    private static let instance = Mutex<Watchdog?>(nil)

    /// This process's end. A child that is being made has a copy, over which it says what `guardProcess` says.
    let socket: Int32
    private let pid: pid_t

    /// This process's watchdog, made on first use, or again when somebody ended it.
    static func shared() throws -> Watchdog {
        try instance.withLock { instance in
            if let watchdog = instance, waitpid(watchdog.pid, nil, WNOHANG) == 0 { return watchdog }
            let watchdog = try Watchdog()
            instance = watchdog
            return watchdog
        }
    }

    /// Ends all that is guarded and returns when it is gone; for the end of the process.
    static func finish() {
        instance.withLock { instance in
            guard let watchdog = instance else { return }
            // Not closed: a late message must not go to a file that got the same number.
            shutdown(watchdog.socket, Int32(SHUT_RDWR))
            while waitpid(watchdog.pid, nil, 0) < 0 && errno == EINTR {}
            instance = nil
        }
    }

    private init() throws {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw StackError.system(.startFailed, "can't make a socket pair")
        }
        let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer {
            close(nowhere)
            close(ends[1])
        }
        do {
            pid = try spawn(["/bin/sh", "-c", Self.script], input: ends[1], output: nowhere)
        } catch {
            close(ends[0])
            throw error
        }
        socket = ends[0]
    }

    /// When this process is gone, `pid` gets `signal` (a name such as "TERM"), then SIGCONT, and SIGKILL after 10 s.
    func guardProcess(_ pid: pid_t, signal: String) {
        send("guard \(pid):\(signal)")
    }

    /// `pid` has ended; call it before it is reaped.
    func release(_ pid: pid_t) {
        send("release \(pid)")
    }

    /// When this process is gone and its servers are too, `folder` is removed.
    func removeAtEnd(_ folder: URL) {
        send("remove \(folder.path)")
    }

    /// One short write to a stream socket is never torn; a watchdog that somebody killed is not worth a SIGPIPE.
    private func send(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = Foundation.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private static let script = """
        guarded=
        while read -r verb rest; do
            case $verb in
                guard) guarded="$guarded $rest" ;;
                release)
                    kept=
                    for entry in $guarded; do
                        [ "${entry%%:*}" = "$rest" ] || kept="$kept $entry"
                    done
                    guarded=$kept ;;
                remove) set -- "$@" "$rest" ;;
            esac
        done
        for entry in $guarded; do
            kill -s "${entry#*:}" "${entry%%:*}"
            kill -s CONT "${entry%%:*}"
        done
        tenths=0
        while [ $tenths -lt 100 ]; do
            alive=
            for entry in $guarded; do
                kill -s 0 "${entry%%:*}" && alive=yes
            done
            [ "$alive" ] || break
            sleep 0.1
            tenths=$((tenths + 1))
        done
        for entry in $guarded; do kill -s KILL "${entry%%:*}"; done
        if [ $# -gt 0 ]; then rm -rf -- "$@" || { sleep 1; rm -rf -- "$@"; }; fi
        """
}
