/// What a shop can act on, in the eight kinds that shops know.
package enum AspectCategory: String, CaseIterable, Sendable, Codable, Hashable {
    case price, delivery, quality, design, size, usability, service, other
}

/// One thing that a review judges, and how.
package struct Aspect: Hashable, Sendable {
    /// Aspects of one card.
    package static let countMax = 16
    package static let termBytesMax = 64
    /// Of ``opinion`` and of ``text``.
    package static let textBytesMax = 120

    /// The thing, in the customers' words, without particles: 배송, battery.
    package let term: String
    /// The words that judge it.
    package let opinion: String
    /// -1 (bad) ... 1 (good).
    package let polarity: Fraction
    /// The bytes of the review from the thing to its judgement, or the judgement alone where it names no thing; empty where
    /// the analyser did not say.
    package let span: Range<Int>
    /// The review's words there, or their beginning.
    package let text: String
    package let category: AspectCategory

    package init(
        term: String, opinion: String, polarity: Fraction, span: Range<Int>, text: String, category: AspectCategory
    ) {
        (self.term, self.opinion, self.polarity, self.span) = (term, opinion, polarity, span)
        (self.text, self.category) = (text, category)
    }
}

/// What the cards of an analysis say of one aspect.
package struct AspectSummary: Hashable, Sendable {
    package let term: String
    /// The one that most of its cards give.
    package let category: AspectCategory
    /// How many reviews judge it; some are neither good nor bad about it.
    package let count: Int
    package let positive: Int
    package let negative: Int
    /// The mean of those reviews.
    package let polarity: Fraction
    package let praise: Voice?
    package let complaint: Voice?

    /// One side's strongest cards.
    package struct Voice: Hashable, Sendable {
        /// What the strongest says.
        package let text: String
        /// The strongest first.
        package let cards: FewOrdinals

        package init(text: String, cards: FewOrdinals) {
            (self.text, self.cards) = (text, cards)
        }
    }

    package init(
        term: String, category: AspectCategory, count: Int, positive: Int, negative: Int, polarity: Fraction,
        praise: Voice?, complaint: Voice?
    ) {
        (self.term, self.category, self.count) = (term, category, count)
        (self.positive, self.negative, self.polarity) = (positive, negative, polarity)
        (self.praise, self.complaint) = (praise, complaint)
    }
}

/// What the reviews of one month say.
package struct MonthSummary: Hashable, Sendable {
    package let month: ReviewMonth
    package let reviews: Int
    /// The mean of those reviews.
    package let polarity: Fraction
    package let aspects: [Aspect]

    package struct Aspect: Hashable, Sendable {
        package let term: String
        package let count: Int
        package let positive: Int
        package let negative: Int

        package init(term: String, count: Int, positive: Int, negative: Int) {
            (self.term, self.count, self.positive, self.negative) = (term, count, positive, negative)
        }
    }

    package init(month: ReviewMonth, reviews: Int, polarity: Fraction, aspects: [Aspect]) {
        (self.month, self.reviews, self.polarity, self.aspects) = (month, reviews, polarity, aspects)
    }
}

/// A month of the calendar, 1970-01 to 2199-12.
package struct ReviewMonth: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Since January of the year 0.
    package let number: Int

    /// The month at the beginning of a date as shops write it, year first: 2026-03-01, 2026.3.1, 20260301, 2026년 3월.
    package init?(date: String) {
        let digits = date.utf8.prefix(4)
        guard digits.count == 4, digits.allSatisfy(Self.isDigit), let year = Int(Substring(digits)),
            (1970...2199).contains(year)
        else { return nil }
        let rest = date.utf8.dropFirst(4)
        let separators = rest.prefix { !Self.isDigit($0) }
        guard separators.count <= 4 else { return nil }
        let month = rest.dropFirst(separators.count).prefix(while: Self.isDigit).prefix(2)
        guard let number = Int(Substring(month)), (1...12).contains(number) else { return nil }
        self.number = year * 12 + number - 1
    }

    package var description: String {
        let month = number % 12 + 1
        return "\(number / 12)-\(month < 10 ? "0" : "")\(month)"
    }

    package static func < (left: ReviewMonth, right: ReviewMonth) -> Bool { left.number < right.number }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
