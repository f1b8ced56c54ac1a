import QuartetCheck
import QuartetCore
import QuartetRoles
import Synchronization

/// A sweep's progress on a terminal: a bar for the walk that is under way, and a line for each that is done.
final class SweepBar: Sendable {
    private let isQuiet: Bool
    private let phase = Mutex<SweepPhase?>(nil)

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
    }

    func show(_ progress: CheckProgress) {
        guard !isQuiet else { return }
        phase.withLock { phase in
            if let phase, phase != progress.phase { Terminal.write("\n", to: 2) }
            phase = progress.phase
            let bar = Terminal.bar(progress.fraction, width: 30)
            let found = progress.findings > 0 ? " · \(progress.findings) found" : ""
            Terminal.write(
                "\r\u{1B}[K\(progress.phase.rawValue) \(bar) \(Int(progress.fraction * 100)) % · "
                    + "\(progress.rows) \(progress.phase.unit), \(progress.perSecond) a second\(found)", to: 2)
        }
    }

    func finish() {
        let wasShown = phase.withLock { $0.take() } != nil
        if wasShown { Terminal.write("\n", to: 2) }
    }
}
