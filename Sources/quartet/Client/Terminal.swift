import Foundation
import Synchronization

/// Output for people on standard error, and for programs on standard output.
enum Terminal {
    static let isInteractive = isatty(STDERR_FILENO) == 1

    static func say(_ line: String) {
        write(line + "\n", to: STDERR_FILENO)
    }

    static func out(_ line: String) {
        write(line + "\n", to: STDOUT_FILENO)
    }

    static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
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
            Terminal.write("\r\u{1B}[K\(label) \(Terminal.bar(part, width: 30)) \(text)", to: STDERR_FILENO)
            state.isShown = true
        } else {
            Terminal.say("\(label): \(text)")
        }
    }
}
