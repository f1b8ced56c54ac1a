/// The aspects that cards name, each with its tally, and those of each month.
struct AspectTable: Sendable {
    private var table = TermTable()
    /// By the places of their terms.
    private var tallies: [AspectTally] = []
    private var months: [ReviewMonth: Month] = [:]

    private struct Month {
        var reviews = 0
        var polaritySum = 0
        /// By their place in `table`.
        var aspects: [Int: (count: Int, positive: Int, negative: Int)] = [:]
    }

    var isEmpty: Bool { tallies.isEmpty }

    mutating func add(_ card: EmotionCard) {
        let aspects = card.reading.aspects
        for index in aspects.indices {
            let term = aspects[index].term
            // A review counts once for each thing, however often it comes back to it.
            guard !aspects[..<index].contains(where: { Term.areEqual($0.term, term) }) else { continue }
            let (place, isNew) = table.add(term)
            if isNew { tallies.append(AspectTally()) }
            var (sum, count) = (0, 0)
            for aspect in aspects[index...] where Term.areEqual(aspect.term, term) {
                sum += Int(aspect.polarity.tenThousandths)
                count += 1
                tallies[place].hear(aspect, ordinal: card.ordinal)
            }
            let polarity = Fraction.mean(sum, of: count)
            tallies[place].count(polarity)
            if let month = card.month { add(place, polarity, in: month) }
        }
        guard let month = card.month else { return }
        months[month, default: Month()].reviews += 1
        months[month]?.polaritySum += Int(card.reading.polarity.tenThousandths)
    }

    private mutating func add(_ place: Int, _ polarity: Fraction, in month: ReviewMonth) {
        let side = polarity.side
        // In place: a month taken out and put back would be copied with all its aspects.
        func count(_ tally: inout (count: Int, positive: Int, negative: Int)) {
            tally.count += 1
            if side == .positive { tally.positive += 1 }
            if side == .negative { tally.negative += 1 }
        }
        count(&months[month, default: Month()].aspects[place, default: (0, 0, 0)])
    }

    /// What the cards say of each, in no order that means anything.
    var summaries: [AspectSummary] { tallies.indices.map { tallies[$0].summary(table.terms[$0]) } }

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
            return Term.precedes(summaries[left.place].term, summaries[right.place].term)
        }
        return order.prefix(max).map { summaries[$0.place] }
    }

    /// The last `max` months with a review, the earliest first, each with those of `ranked` that it has.
    func months(max: Int, aspectsMax: Int, ranked: [AspectSummary]) -> [MonthSummary] {
        months.keys.sorted().suffix(max).map { month in
            let tally = months[month] ?? Month()
            let aspects = ranked.lazy.compactMap { aspect -> MonthSummary.Aspect? in
                guard let found = table.place(of: aspect.term).flatMap({ tally.aspects[$0] }) else { return nil }
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

    /// What one card says of it once.
    mutating func hear(_ aspect: Aspect, ordinal: Int) {
        categories[aspect.category.index] += 1
        switch aspect.polarity.side {
        case .positive: praise.add(aspect, ordinal)
        case .negative: complaint.add(aspect, ordinal)
        case .neutral: break
        }
    }

    /// One card, with the mean of all that it says of it.
    mutating func count(_ polarity: Fraction) {
        count += 1
        polaritySum += Int(polarity.tenThousandths)
        switch polarity.side {
        case .positive: positive += 1
        case .negative: negative += 1
        case .neutral: break
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
        private var strongest = InlineArray<3, (strength: Int32, ordinal: Int, text: String)>(repeating: (0, 0, ""))
        private var count = 0

        mutating func add(_ aspect: Aspect, _ ordinal: Int) {
            let strength = abs(aspect.polarity.tenThousandths)
            for place in 0..<count where strongest[place].ordinal == ordinal {
                // One of a card is told, the stronger.
                guard strongest[place].strength < strength else { return }
                for next in place..<(count - 1) { strongest[next] = strongest[next + 1] }
                count -= 1
                break
            }
            var place = count
            while place > 0, (strongest[place - 1].strength, ordinal) < (strength, strongest[place - 1].ordinal) {
                place -= 1
            }
            guard place < strongest.count else { return }
            count = min(count + 1, strongest.count)
            for next in stride(from: count - 1, to: place, by: -1) { strongest[next] = strongest[next - 1] }
            strongest[place] = (strength, ordinal, aspect.text.isEmpty ? aspect.opinion : aspect.text)
        }

        var voice: AspectSummary.Voice? {
            guard count > 0 else { return nil }
            var cards = FewOrdinals()
            for place in 0..<count { cards.append(strongest[place].ordinal) }
            return AspectSummary.Voice(text: strongest[0].text, cards: cards)
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
