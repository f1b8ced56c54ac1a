/// The words that cards name, each with its tally.
struct KeywordTable: Sendable {
    struct Word: Sendable {
        let term: String
        let tally: KeywordTally
    }

    private var table = TermTable()
    /// By the places of their terms.
    private var tallies: [KeywordTally] = []

    mutating func add(_ keywords: [String], _ polarity: Fraction, ordinal: Int) {
        for text in keywords {
            let (place, isNew) = table.add(text)
            if isNew { tallies.append(KeywordTally()) }
            tallies[place].add(polarity, ordinal: ordinal)
        }
    }

    /// At most `max` words, those of the highest rank first and those of equal rank in the order of their terms; words
    /// without a rank are left out.
    ///
    /// Each rank is worked out once, and sorting moves numbers alone.
    func ranked(max: Int, by rank: (KeywordTally) -> Rank?) -> [Word] {
        var order: [(rank: Rank, place: Int)] = []
        order.reserveCapacity(tallies.count)
        for place in tallies.indices {
            if let rank = rank(tallies[place]) { order.append((rank, place)) }
        }
        order.sort { left, right in
            if left.rank != right.rank { return left.rank.value > right.rank.value }
            return Term.precedes(table.terms[left.place], table.terms[right.place])
        }
        return order.prefix(max).map { Word(term: table.terms[$0.place], tally: tallies[$0.place]) }
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
