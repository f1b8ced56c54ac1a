/// A short text as a point on a sphere: texts that share n-grams of syllables, letters and jamo, and words, lie near each other.
///
/// Each of the analyser's features falls on one of 256 dimensions with a sign, both out of its hash, so that features which
/// share a dimension cancel out on average; a feature counts by the root of how often it comes. The same texts always give the
/// same point, and the scalar product of two points is how much of their features they share, 1 for all of them.
///
/// Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009.
package enum TextEmbedding {
    package static let dimension = 256
    /// Changes with what the same text gives: points of two models can't be compared.
    package static let model = "ngrams-\(TextFeatures.version)"

    /// - Parameter texts: parts of one, such as a name and a brand; what they are in the order of does not matter much.
    package static func point(of texts: [String]) -> [Float] {
        var folded = FoldedText()
        var features = TextFeatures()
        var counts: [UInt64: Float] = [:]
        let marks: [TextFeatures.Mark] = []
        // Each by itself: no n-gram spans two.
        for text in texts {
            let bytes = Array(text.utf8)
            folded.fold(bytes.span)
            features.prepare(folded.symbols.span)
            features.walk(folded.symbols.span, marks: marks.span) { hash, _ in counts[hash, default: 0] += 1 }
        }
        // In a fixed order, for sums of floating-point numbers depend on theirs.
        let sums = counts.sorted { $0.key < $1.key }.reduce(into: [Float](repeating: 0, count: dimension)) {
            let spread = $1.key &* 0x9E37_79B9_7F4A_7C15
            let weight = $1.value.squareRoot()
            $0[Int(spread >> 56)] += spread & (1 << 55) == 0 ? weight : -weight
        }
        let length = sums.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard length > 0 else { return [1] + [Float](repeating: 0, count: dimension - 1) }
        return sums.map { $0 / length }
    }
}
