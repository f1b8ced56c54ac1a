import ClientSupport
import Foundation
import Synchronization

/// Output for people on standard error, and for programs on standard output.
enum Terminal {
    static let isInteractive = isatty(STDERR_FILENO) == 1

    static func say(_ line: String) {
        write(line + "\n", to: STDERR_FILENO)
    }

    /// A line of the command's result. Where it can't be written the command ends with an error: it has nothing else to do.
    static func out(_ line: String) {
        guard !write(line + "\n", to: STDOUT_FILENO) else { return }
        say("Error: the result can't be written: \(String(cString: strerror(errno)))")
        ProcessEnd.now(failureStatus)
    }

    /// What the command ends with when it could not do its work.
    static var failureStatus: Int32 {
        CommandLine.arguments.dropFirst().first.map { ["check", "doctor"].contains($0) } == true ? 2 : 1
    }

    /// Has output that nobody reads end in errors rather than in a signal, and descriptors that were given closed not be those of
    /// the next file or socket that is opened.
    static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest that is free is this one. A result must not seem to be written.
            _ = open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Whether all of it was written; `errno` says why not.
    @discardableResult
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if written >= 0 {
                bytes = bytes.dropFirst(written)
            } else if errno == EAGAIN || errno == EWOULDBLOCK {
                var place = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&place, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    /// `filled` of `width` cells of a bar.
    static func bar(_ part: Double, width: Int) -> String {
        let filled = Int((min(max(part, 0), 1) * Double(width)).rounded())
        return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    }
}

/// A progress bar on a terminal, a plain line now and then elsewhere.
final class ProgressBar: Sendable {
    private struct State {
        var done = 0
        var total: Int
        /// How much of the work is done, where that is known otherwise than by the total.
        var part: Double?
        var note = ""
        var lastShown: ContinuousClock.Instant?
        var isShown = false
    }

    private let label: String
    private let unit: String
    private let isQuiet: Bool
    private let state: Mutex<State>

    init(_ label: String, total: Int = 0, unit: String, isQuiet: Bool = false) {
        self.label = label
        self.unit = unit
        self.isQuiet = isQuiet
        state = Mutex(State(total: total))
    }

    /// - Parameter part: how much of the work is done, 0...1, where the total is not known.
    func advance(by count: Int = 1, total: Int? = nil, part: Double? = nil, note: String? = nil) {
        state.withLock { state in
            state.done += count
            if let total { state.total = total }
            if let part { state.part = part }
            if let note { state.note = note }
            show(&state, isLast: false)
        }
    }

    /// Takes the bar away for a line of news.
    func say(_ line: String) {
        interrupt { Terminal.say(line) }
    }

    /// Takes the bar away for a line of the command's result.
    func out(_ line: String) {
        interrupt { Terminal.out(line) }
    }

    private func interrupt(_ body: () -> Void) {
        state.withLock { state in
            if state.isShown { Terminal.write("\r\u{1B}[K", to: STDERR_FILENO) }
            body()
            state.lastShown = nil
            show(&state, isLast: false)
        }
    }

    var hasAdvanced: Bool { state.withLock { $0.done > 0 } }

    func finish() {
        state.withLock { state in
            show(&state, isLast: true)
            if state.isShown { Terminal.write("\n", to: STDERR_FILENO) }
        }
    }

    private func show(_ state: inout State, isLast: Bool) {
        guard !isQuiet else { return }
        let interval: Duration = Terminal.isInteractive ? .milliseconds(50) : .seconds(5)
        let isDue = state.lastShown.map { $0.duration(to: .now) >= interval } ?? Terminal.isInteractive
        if state.lastShown == nil { state.lastShown = .now }
        guard isDue || isLast else { return }
        state.lastShown = .now
        let count = state.total == 0 ? "\(state.done)" : "\(state.done)/\(max(state.total, state.done))"
        let text = "\(count) \(unit) \(state.note)"
        if Terminal.isInteractive {
            let part = isLast ? 1 : state.part ?? (state.total == 0 ? 0 : Double(state.done) / Double(state.total))
            // A line that wraps can't be taken back.
            let line = TextWidth.cut("\(label) \(Terminal.bar(part, width: 30)) \(text)", to: TextWidth.columns - 1)
            Terminal.write("\r\u{1B}[K\(line)", to: STDERR_FILENO)
            state.isShown = true
        } else {
            Terminal.say("\(label): \(text)")
        }
    }
}
