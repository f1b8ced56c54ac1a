/// The words that cards name, each with its tally.
struct KeywordTable: Sendable {
    struct Word: Sendable {
        let term: String
        fileprivate(set) var tally = KeywordTally()
    }

    private var places: [Term: Int] = [:]
    private var words: [Word] = []

    mutating func add(_ keywords: [String], _ polarity: Fraction, ordinal: Int) {
        for text in keywords {
            let term = Term(text: text)
            let place = places[term] ?? words.count
            if place == words.count {
                places[term] = place
                words.append(Word(term: text))
            }
            words[place].tally.add(polarity, ordinal: ordinal)
        }
    }

    /// At most `max` words, those of the highest rank first and those of equal rank in the order of their terms; words
    /// without a rank are left out.
    ///
    /// Each rank is worked out once, and sorting moves numbers alone.
    func ranked(max: Int, by rank: (KeywordTally) -> Rank?) -> [Word] {
        var order: [(rank: Rank, place: Int)] = []
        order.reserveCapacity(words.count)
        for place in words.indices {
            if let rank = rank(words[place].tally) { order.append((rank, place)) }
        }
        order.sort { left, right in
            if left.rank != right.rank { return left.rank.value > right.rank.value }
            return Term(text: words[left.place].term).precedes(Term(text: words[right.place].term))
        }
        return order.prefix(max).map { words[$0.place] }
    }

    /// A number of reviews, then a strength.
    struct Rank: Comparable {
        fileprivate let value: Int64

        init(reviews: Int, strength: Int32) {
            value = Int64(reviews) << 32 + Int64(strength)
        }

        static func < (left: Rank, right: Rank) -> Bool { left.value < right.value }
    }
}

/// A word as its bytes: Swift takes differently composed strings for equal, and which of them a table then shows would
/// depend on the order of the cards.
struct Term: Hashable {
    let text: String

    func precedes(_ other: Term) -> Bool { text.utf8.lexicographicallyPrecedes(other.text.utf8) }

    static func == (left: Term, right: Term) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    func hash(into hasher: inout Hasher) {
        if text.utf8.withContiguousStorageIfAvailable({ hasher.combine(bytes: UnsafeRawBufferPointer($0)) }) == nil {
            for byte in text.utf8 { hasher.combine(byte) }
        }
    }
}
