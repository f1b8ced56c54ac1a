/// The aspects that cards name, each with its tally, and those of each month.
struct AspectTable: Sendable {
    private var places: [Term: Int] = [:]
    private var terms: [String] = []
    private var tallies: [AspectTally] = []
    private var months: [ReviewMonth: Month] = [:]

    private struct Month {
        var reviews = 0
        var polaritySum = 0
        /// By their place in `terms`.
        var aspects: [Int: (count: Int, positive: Int, negative: Int)] = [:]
    }

    var isEmpty: Bool { terms.isEmpty }

    mutating func add(_ card: EmotionCard) {
        let aspects = card.reading.aspects
        for (index, aspect) in aspects.enumerated() {
            // A review counts once for each thing, however often it comes back to it.
            let same = aspects[index...].filter { Term(text: $0.term) == Term(text: aspect.term) }
            guard !aspects[..<index].contains(where: { Term(text: $0.term) == Term(text: aspect.term) }) else {
                continue
            }
            let polarity = Fraction.mean(same.reduce(0) { $0 + Int($1.polarity.tenThousandths) }, of: same.count)
            let place = place(of: aspect.term)
            tallies[place].add(same, polarity, ordinal: card.ordinal)
            if let month = card.month { add(place, polarity, in: month) }
        }
        guard let month = card.month else { return }
        months[month, default: Month()].reviews += 1
        months[month]?.polaritySum += Int(card.reading.polarity.tenThousandths)
    }

    private mutating func place(of text: String) -> Int {
        let term = Term(text: text)
        if let place = places[term] { return place }
        places[term] = terms.count
        terms.append(text)
        tallies.append(AspectTally())
        return terms.count - 1
    }

    private mutating func add(_ place: Int, _ polarity: Fraction, in month: ReviewMonth) {
        var tally = months[month]?.aspects[place] ?? (0, 0, 0)
        tally.count += 1
        switch polarity.side {
        case .positive: tally.positive += 1
        case .negative: tally.negative += 1
        case .neutral: break
        }
        months[month, default: Month()].aspects[place] = tally
    }

    /// What the cards say of each, in no order that means anything.
    var summaries: [AspectSummary] { terms.indices.map { tallies[$0].summary(terms[$0]) } }

    /// Those of the highest rank first, those of equal rank in the order of their terms; those without a rank are left out.
    static func ranked(
        _ summaries: [AspectSummary], max: Int, by rank: (AspectSummary) -> KeywordTable.Rank?
    ) -> [AspectSummary] {
        var order: [(rank: KeywordTable.Rank, place: Int)] = []
        for place in summaries.indices {
            if let rank = rank(summaries[place]) { order.append((rank, place)) }
        }
        order.sort { left, right in
            if left.rank != right.rank { return right.rank < left.rank }
            return Term(text: summaries[left.place].term).precedes(Term(text: summaries[right.place].term))
        }
        return order.prefix(max).map { summaries[$0.place] }
    }

    /// The last `max` months with a review, the earliest first, each with those of `ranked` that it has.
    func months(max: Int, aspectsMax: Int, ranked: [AspectSummary]) -> [MonthSummary] {
        months.keys.sorted().suffix(max).map { month in
            let tally = months[month] ?? Month()
            let aspects = ranked.lazy.compactMap { aspect -> MonthSummary.Aspect? in
                guard let found = places[Term(text: aspect.term)].flatMap({ tally.aspects[$0] }) else { return nil }
                return MonthSummary.Aspect(
                    term: aspect.term, count: found.count, positive: found.positive, negative: found.negative)
            }
            return MonthSummary(
                month: month, reviews: tally.reviews, polarity: Fraction.mean(tally.polaritySum, of: tally.reviews),
                aspects: Array(aspects.prefix(aspectsMax)))
        }
    }
}

/// How the cards that judge one aspect do, and what the strongest of them say on either side.
struct AspectTally: Sendable {
    private var count = 0
    private var positive = 0
    private var negative = 0
    private var polaritySum = 0
    private var praise = Voices()
    private var complaint = Voices()
    private var categories = InlineArray<8, Int32>(repeating: 0)

    /// - Parameter aspects: of one card, of the same thing.
    mutating func add(_ aspects: [Aspect], _ polarity: Fraction, ordinal: Int) {
        count += 1
        polaritySum += Int(polarity.tenThousandths)
        switch polarity.side {
        case .positive: positive += 1
        case .negative: negative += 1
        case .neutral: break
        }
        for aspect in aspects {
            categories[aspect.category.index] += 1
            switch aspect.polarity.side {
            case .positive: praise.add(aspect, ordinal)
            case .negative: complaint.add(aspect, ordinal)
            case .neutral: break
            }
        }
    }

    func summary(_ term: String) -> AspectSummary {
        var category = AspectCategory.price
        for other in AspectCategory.allCases where categories[other.index] > categories[category.index] {
            category = other
        }
        return AspectSummary(
            term: term, category: category, count: count, positive: positive, negative: negative,
            polarity: Fraction.mean(polaritySum, of: count), praise: praise.voice, complaint: complaint.voice)
    }

    /// The few strongest cards of a side, in whatever order they came; of two that are as strong the earlier one.
    private struct Voices: Sendable {
        private var strongest: [(strength: Int32, ordinal: Int, text: String)] = []

        mutating func add(_ aspect: Aspect, _ ordinal: Int) {
            let strength = abs(aspect.polarity.tenThousandths)
            if let same = strongest.firstIndex(where: { $0.ordinal == ordinal }) {
                // One of a card is told, the stronger.
                guard strongest[same].strength < strength else { return }
                strongest.remove(at: same)
            }
            let place =
                strongest.firstIndex { ($0.strength, ordinal) < (strength, $0.ordinal) } ?? strongest.count
            guard place < 3 else { return }
            strongest.insert((strength, ordinal, aspect.text.isEmpty ? aspect.opinion : aspect.text), at: place)
            if strongest.count > 3 { strongest.removeLast() }
        }

        var voice: AspectSummary.Voice? {
            strongest.first.map { AspectSummary.Voice(text: $0.text, cards: strongest.map(\.ordinal)) }
        }
    }
}

extension AspectCategory {
    var index: Int {
        switch self {
        case .price: 0
        case .delivery: 1
        case .quality: 2
        case .design: 3
        case .size: 4
        case .usability: 5
        case .service: 6
        case .other: 7
        }
    }
}
