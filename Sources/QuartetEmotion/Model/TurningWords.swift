/// English words that turn what is said behind them, found by the hash of a word.
struct TurningWords: Sendable {
    enum Turn: Sendable {
        case none
        /// Denies the next words.
        case denial
        /// What follows in the sentence counts more than what came before.
        case contrast
        /// What follows, up to a comma, counts less.
        case concession
    }

    private static let words: [(Turn, String)] = [
        (
            .denial,
            """
            not no never without lacks lack lacking hardly barely nothing neither nor fails failed cannot dont doesnt didnt isnt \
            wasnt cant wont
            """
        ),
        (.contrast, "but however yet"),
        (.concession, "although though despite while if"),
    ]
    private static let slotCount = 256

    /// A word lies where its hash says, or behind.
    private var slots = [(hash: UInt64, turn: Turn)](repeating: (0, .none), count: slotCount)

    init(hash: (String) -> UInt64) {
        for (turn, words) in Self.words {
            for word in words.split(separator: " ") {
                let hash = hash(String(word))
                var slot = Self.slot(of: hash)
                while slots[slot].turn != .none { slot = (slot + 1) % Self.slotCount }
                slots[slot] = (hash, turn)
            }
        }
    }

    @inline(__always)
    private static func slot(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 56) }

    @inline(__always)
    func turn(of hash: UInt64) -> Turn {
        var slot = Self.slot(of: hash)
        while slots[slot].turn != .none {
            if slots[slot].hash == hash { return slots[slot].turn }
            slot = (slot &+ 1) % Self.slotCount
        }
        return .none
    }
}
