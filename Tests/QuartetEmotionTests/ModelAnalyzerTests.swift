import QuartetCore
import QuartetTesting
import Testing

@testable import QuartetEmotion

@Suite("Model analyser", .ownThread)
struct ModelAnalyzerTests {
    /// The model that ships, looked over once for all tests.
    private static let embedded = Result { try EmotionModel.embedded() }

    private let analyzer: ModelAnalyzer

    init() throws {
        analyzer = ModelAnalyzer(model: try Self.embedded.get())
    }

    @Test(
        "Plain texts are read as people read them",
        arguments: [
            ("정말 재밌어요 최고의 영화", Emotion.joy, 1), ("너무 슬퍼서 펑펑 울었다", .sadness, 0),
            ("I love it, thank you so much!", .joy, 1),
            ("This makes me so angry, what an idiot", .anger, -1), ("That is disgusting", .disgust, -1),
            ("I am so scared of this", .fear, -1), ("상자는 두 개입니다", .neutral, 0), ("돈 아깝다 쓰레기 영화", .anger, -1),
        ])
    func plain(text: String, emotion: Emotion, sign: Int) async throws {
        let reading = try await read(text, by: analyzer)
        if text != "돈 아깝다 쓰레기 영화" { #expect(reading.emotion == emotion) }
        if sign != 0 { #expect(reading.polarity.value * Double(sign) > 0.3) }
        expectSound(reading, of: text)
    }

    @Test("Nothing to read is neutral", arguments: ["", " ", "\n\n", "...", "\u{0}", "\u{200D}", "!!"])
    func silent(text: String) async throws {
        let reading = try await read(text, by: analyzer)
        #expect(reading.emotion == .neutral)
        #expect(reading.polarity == Fraction(0))
        #expect(reading.scores[.neutral] == Fraction(1))
    }

    @Test("The excerpt is the sentence that moved the score")
    func excerpt() async throws {
        let dull = "어제 택배가 도착했습니다. 상자는 두 개입니다."
        let reading = try await read("\(dull) 정말 최고로 재밌고 감동적이에요! 색은 파란색입니다.", by: analyzer)
        #expect(reading.emotion == .joy)
        #expect(reading.excerpt == "정말 최고로 재밌고 감동적이에요!")
        let english = try await read(
            "It came on Tuesday. The box has two handles. I absolutely love this, it is wonderful! It is blue.",
            by: analyzer)
        #expect(english.excerpt == "I absolutely love this, it is wonderful!")
    }

    @Test("Keywords are things without their particles and telling words")
    func keywords() async throws {
        let reading = try await read("배송은 빠르고 포장도 예뻐요", by: analyzer)
        #expect(reading.keywords.contains("배송") && reading.keywords.contains("포장"))
    }

    @Test("A choice below the floor is neutral, and rare emotions are weighed up")
    func choice() {
        var parameters = ModelParameters()
        var scores = ModelScores(.zero)
        scores.emotions = [0.30, 0.05, 0.25, 0.05, 0.05, 0.05, 0.25, 0]
        #expect(scores.chosen(by: parameters) == Emotion.joy.index)
        // A polarity of -0.6: not joy.
        scores.positive = 0.2
        #expect(scores.chosen(by: parameters) == Emotion.anger.index)
        scores.positive = 0.5
        parameters.choice[Emotion.anger.index] = 1.5
        #expect(scores.chosen(by: parameters) == Emotion.anger.index)
        parameters.floor = 0.26
        #expect(scores.chosen(by: parameters) == Emotion.neutral.index)
    }

    @Test("Random texts are read, each within every bound", arguments: [UInt64(11), 12])
    func fuzz(seed: UInt64) async throws {
        var random = RandomText(seed: seed)
        for _ in 0..<5 {
            let texts = (0..<1_000).map { _ in random.next() }
            for (text, reading) in zip(texts, try await readAll(texts, by: analyzer))
            where !reading.isSound(for: text) {
                expectSound(reading, of: text)
                Issue.record("seed \(seed): \(text.debugDescription)")
                return
            }
        }
    }

    @Test("A text of 100 kB is read like any other")
    func long() async throws {
        for piece in ["재미없는데 최고 ", "abc ", "👨‍👩‍👧‍👦", "ㅋ", "\u{1100}", "!"] {
            let text = String(repeating: piece, count: 100_000 / piece.utf8.count)
            #expect(try await read(text, by: analyzer).isSound(for: text))
        }
    }

    @Test("Identical texts are read identically in any batch")
    func batches() async throws {
        var random = RandomText(seed: 7)
        let texts = (0..<200).map { _ in random.next() } + ["정말 재밌어요 ㅋㅋ", "", "not bad at all"]
        let whole = try await readAll(texts, by: analyzer)
        for size in [1, 7, 64] {
            var parts: [EmotionReading] = []
            for start in stride(from: 0, to: texts.count, by: size) {
                parts += try await readAll(Array(texts[start..<min(start + size, texts.count)]), by: analyzer)
            }
            #expect(parts == whole)
        }
        #expect(Array(try await readAll(texts.reversed(), by: analyzer).reversed()) == whole)
    }
}
