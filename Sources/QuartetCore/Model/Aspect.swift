/// What a shop can act on, in the eight kinds that shops know.
package enum AspectCategory: String, CaseIterable, Sendable, Codable, Hashable {
    case price, delivery, quality, design, size, usability, service, other
}

/// One thing that a review judges, and how.
package struct Aspect: Hashable, Sendable {
    /// The thing, in the customers' words, without particles: 배송, battery.
    package let term: String
    /// The words that judge it.
    package let opinion: String
    /// -1 (bad) ... 1 (good).
    package let polarity: Fraction
    /// The bytes of the review from the thing to its judgement, or the judgement alone where it names no thing.
    package let span: Range<Int>
    package let category: AspectCategory

    package init(term: String, opinion: String, polarity: Fraction, span: Range<Int>, category: AspectCategory) {
        (self.term, self.opinion, self.polarity, self.span) = (term, opinion, polarity, span)
        self.category = category
    }
}
