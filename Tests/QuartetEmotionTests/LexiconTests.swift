import QuartetTesting
import Testing

@testable import QuartetEmotion

@Suite("Lexicon", .ownThread)
struct LexiconTests {
    @Test("Every term that ships can be shown")
    func labels() {
        #expect(Lexicon.standard.terms.count > 2_000)
        for label in Lexicon.standard.terms.compactMap(\.label) {
            #expect(label.utf8.count <= 40)
            let hasLoneLetter = label.unicodeScalars.contains { (0x3131...0x3163).contains($0.value) }
            #expect(!hasLoneLetter, "\(label)")
            #expect(!label.contains("_") && !label.contains("^") && !label.contains("$"), "\(label)")
        }
    }

    @Test(
        "Mistakes in the text form are named",
        arguments: [
            "[joy]", "[joy 2.0]", "[delight 0.5]", "[neutral 0.5]", "[negate]", "[negate next]", "[intensity much]",
            "[ignore]\ntwice twice", "[ignore]\n$ok emoji:none",
        ])
    func mistakes(text: String) {
        #expect(throws: LexiconFormatError.self) { try Lexicon(texts: [text]) }
    }

    @Test("The longest term wins, and a term only where it may stand")
    func matching() throws {
        let lexicon = try Lexicon(texts: ["[ignore]\n감 감동 ^동 책$ 가_나 pre* whole 슬ㅍ>슬프다"])
        func match(_ text: String, at start: Int = 0) -> String? {
            var folded = FoldedText()
            folded.fold(text.utf8.span)
            return lexicon.longestTerm(at: start, in: folded.symbols).map { "\($0.index):\($0.end)" }
        }
        #expect(match("감동") == "1:6")
        #expect(match("감사") == "0:3")
        #expect(match("동") == "2:3")
        #expect(match("가동", at: 2) == nil)
        #expect(match("책") == "3:3")
        #expect(match("책상") == nil)
        #expect(match("가 나") == "4:5")
        #expect(match("가나") == "4:4")
        #expect(match("prefix") == "5:3")
        #expect(match("wholesale") == nil)
        #expect(match("슬퍼") == "7:4")
    }

    @Test("A trie finds what was put in, and nothing else")
    func trie() {
        var random = SplitMix(state: 5)
        var keys: Set<[UInt8]> = []
        while keys.count < 3_000 {
            keys.insert(
                (0..<Int.random(in: 1...6, using: &random)).map { _ in UInt8.random(in: 0...9, using: &random) * 28 })
        }
        let pairs = keys.enumerated().map { (key: $0.element, value: $0.offset) }
        let trie = SymbolTrie(pairs.filter { $0.value % 2 == 0 })
        for (key, value) in pairs { #expect(trie.value(of: key[...]) == (value % 2 == 0 ? value : nil)) }
        #expect(SymbolTrie([]).value(of: [1]) == nil)
    }

    @Test("Bytes that are no UTF-8 are passed over")
    func invalidBytes() {
        let samples: [[UInt8]] = [
            [0x80], [0xC0, 0x80], [0xE3, 0x85], [0xF5, 0x80, 0x80, 0x80], [0xFF, 0xFE], [0xED, 0xA0, 0x80],
            [0x67, 0xE3, 0x67],
        ]
        var folded = FoldedText()
        for bytes in samples {
            folded.fold(bytes.span)
            #expect(!folded.symbols.isEmpty)
            #expect(folded.sentenceEnds.last == folded.symbols.count)
            #expect(folded.bytes(of: 0..<folded.symbols.count) == 0..<bytes.count)
        }
    }
}
