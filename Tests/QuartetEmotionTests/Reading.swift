import QuartetCore
import QuartetEmotion
import Testing

/// The reading of one text.
func read(_ text: String, by analyzer: any EmotionAnalyzer = LexiconAnalyzer()) async throws -> EmotionReading {
    try #require(try await readAll([text], by: analyzer).first)
}

/// The readings of texts, in one batch.
func readAll(
    _ texts: [String], by analyzer: any EmotionAnalyzer = LexiconAnalyzer()
) async throws -> [EmotionReading] {
    let reviews = texts.enumerated().map { Review(id: "r\($0.offset)", text: $0.element) }
    let results = try await analyzer.analyze(reviews)
    try #require(results.count == texts.count)
    return try results.map { try $0.get() }
}

/// What holds for every reading of every text.
func expectSound(_ reading: EmotionReading, of text: String, _ location: SourceLocation = #_sourceLocation) {
    #expect(abs(reading.polarity.value) <= 1, sourceLocation: location)
    let sum = Emotion.allCases.reduce(0) { $0 + reading.scores[$1].tenThousandths }
    #expect(abs(sum - 10_000) <= 7, sourceLocation: location)
    #expect(reading.keywords.count <= 16, sourceLocation: location)
    #expect(Set(reading.keywords).count == reading.keywords.count, sourceLocation: location)
    #expect(reading.keywords.allSatisfy { !$0.isEmpty && $0.utf8.count <= 64 }, sourceLocation: location)
    #expect(reading.excerpt.utf8.count <= 240, sourceLocation: location)
    #expect(!reading.excerpt.utf8.contains(0), sourceLocation: location)
    #expect(isStretch(Array(reading.excerpt.utf8), of: Array(text.utf8)), sourceLocation: location)
}

/// Whether `part` stands in `whole`, byte for byte.
private func isStretch(_ part: [UInt8], of whole: [UInt8]) -> Bool {
    guard let first = part.first else { return true }
    guard part.count <= whole.count else { return false }
    return (0...(whole.count - part.count)).contains { start in
        whole[start] == first && whole[start..<start + part.count].elementsEqual(part)
    }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
