import Testing

@testable import QuartetEmotion

@Suite("Turning words")
struct TurningWordTests {
    private func features(_ text: String) -> [UInt64] {
        var (folded, features, hashes) = (FoldedText(), TextFeatures(), [UInt64]())
        folded.fold(text.utf8.span)
        let (symbols, marks) = (folded.symbols, [TextFeatures.Mark]())
        features.prepare(symbols.span)
        features.walk(symbols.span, marks: marks.span) { hash, _ in hashes.append(hash) }
        #expect(hashes.count <= features.countMax(symbols.span, marks: marks.span))
        return hashes
    }

    /// How many features a text has more than one of the same length in which no word turns another.
    private func turned(_ text: String, _ plain: String) -> Int { features(text).count - features(plain).count }

    @Test("What stands behind but, although and not is marked, each in its own way")
    func marks() {
        #expect(turned("nice but dull", "nice any dull") == 2)
        #expect(turned("although dull and nice", "everyone dull and nice") == 6)
        #expect(turned("not dull", "any dull") == 4)
        let kinds = ["but dull", "although dull", "not dull"].map { Set(features($0)) }
        let shared = kinds.dropFirst().reduce(kinds[0]) { $0.intersection($1) }
        for kind in kinds { #expect(kind.subtracting(shared).count > 1) }
    }

    @Test("It ends with the sentence, a concession with its comma, and denial after three words")
    func reach() {
        #expect(turned("fine but dull. nice", "fine any dull. nice") == 2)
        #expect(turned("though dull, nice", "thinly dull, nice") == 2)
        #expect(turned("not one two three four", "any one two three four") == 12)
    }

    @Test("A word that ends in n't denies, and Korean texts have nothing of it")
    func others() {
        #expect(turned("wasn't dull", "wasnat dull") == 4)
        #expect(turned("좋은 영화 but 지루해", "좋은 영화 any 지루해") == 0)
    }
}
