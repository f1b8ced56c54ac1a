import QuartetCore

/// A key whose sides did not agree at the first look.
struct Suspect: Sendable, Hashable {
    let id: RequestID
    let kinds: [FindingKind]
    let seenAt: Duration
}

/// Suspects on their way to the second look, stretch by stretch in the order of the walk: a place may be saved when no
/// suspect before it waits any more.
struct SuspectQueue: Sendable {
    struct Stretch: Sendable, Hashable {
        let through: RequestID
        let suspects: [Suspect]
        /// When the second look may be.
        let readyAt: Duration
    }

    private let pause: Duration
    private let reopenedMax: Int
    private var open: [Suspect] = []
    private var openedAt: Duration?
    private var stretches: [Stretch] = []
    private var waiting = 0
    private var reopened: [Suspect] = []

    init(_ configuration: CheckConfiguration) {
        pause = configuration.secondLookPause
        reopenedMax = configuration.suspectsMax
    }

    /// - Parameter isReopened: what it is does not tell since when. More of these than fit, and those that a sweep that is cut
    ///   off had seen, are the next sweep's: they are open, and it begins before the first open request.
    mutating func add(_ id: RequestID, _ kinds: [FindingKind], isReopened: Bool = false, at now: Duration) {
        guard !kinds.isEmpty else { return }
        let suspect = Suspect(id: id, kinds: kinds, seenAt: now)
        if !isReopened {
            open.append(suspect)
        } else if reopened.count < reopenedMax {
            reopened.append(suspect)
        }
    }

    /// Everything up to `through` was looked at once. Stretches shorter than `lengthMax` grow together.
    mutating func endStretch(_ through: RequestID, at now: Duration, lengthMax: Duration) {
        let began = openedAt ?? now
        openedAt = began
        guard now - began >= lengthMax || !open.isEmpty else { return }
        waiting += open.count
        stretches.append(Stretch(through: through, suspects: open, readyAt: open.isEmpty ? now : now + pause))
        open = []
        openedAt = nil
    }

    /// The next stretch whose time has come, or whose time must be waited for since more than `countMax` suspects wait.
    mutating func next(at now: Duration, countMax: Int) -> Stretch? {
        guard let first = stretches.first, first.readyAt <= now || waiting > countMax else { return nil }
        waiting -= first.suspects.count
        return stretches.removeFirst()
    }

    mutating func takeAll() -> [Stretch] {
        endStretch(.highest, at: openedAt ?? .zero, lengthMax: .zero)
        defer { (stretches, waiting) = ([], 0) }
        return stretches
    }

    mutating func takeReopened() -> [Suspect] {
        defer { reopened = [] }
        return reopened
    }
}
