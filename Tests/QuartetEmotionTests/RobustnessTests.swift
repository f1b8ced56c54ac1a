import Foundation
import QuartetCore
import QuartetTesting
import Testing

@testable import QuartetEmotion

@Suite("Robustness", .ownThread)
struct RobustnessTests {
    @Test("A hundred thousand random texts are read, each within every bound", arguments: [UInt64(1), 2, 3, 4])
    func fuzz(seed: UInt64) async throws {
        var random = RandomText(seed: seed)
        for _ in 0..<25 {
            let texts = (0..<1_000).map { _ in random.next() }
            for (text, reading) in zip(texts, try await readAll(texts)) {
                guard reading.isSound(for: text), reading.emotion == reading.scores.strongest else {
                    expectSound(reading, of: text)
                    #expect(reading.emotion == reading.scores.strongest)
                    Issue.record("seed \(seed): \(text.debugDescription)")
                    return
                }
            }
        }
    }

    @Test("Random excerpts are stretches of their texts")
    func stretches() async throws {
        var random = RandomText(seed: 99)
        let texts = (0..<500).map { _ in (0..<6).map { _ in random.next() }.joined() }
        for (text, reading) in zip(texts, try await readAll(texts)) { expectSound(reading, of: text) }
    }

    @Test("Identical texts are read identically in any batch")
    func batches() async throws {
        var random = RandomText(seed: 7)
        let texts = (0..<400).map { _ in random.next() } + ["정말 재밌어요 ㅋㅋ", "", "not bad at all"]
        let whole = try await readAll(texts)
        for size in [1, 7, 64] {
            var parts: [EmotionReading] = []
            for start in stride(from: 0, to: texts.count, by: size) {
                parts += try await readAll(Array(texts[start..<min(start + size, texts.count)]))
            }
            #expect(parts == whole)
        }
        #expect(Array(try await readAll(texts.reversed()).reversed()) == whole)
    }

    @Test(
        "Text twenty times as long takes about twenty times as long",
        arguments: [
            "없", "감동도 ", "지만 좋아", "not ", "a", "ㅋ", "word ", "\u{301}", "👨‍👩‍👧‍👦", "🇰🇷", "杯",
            "재미없는데 최고 ", "<", "abcdefg",
            "안 좋지 않지 않",
        ])
    func linear(piece: String) {
        let short = String(repeating: piece, count: 5_000 / piece.utf8.count + 1)
        let long = String(repeating: short, count: 20)
        let base = max(Self.processorTime(reading: short), 1e-4)
        // Quadratic growth would be four hundredfold.
        #expect(Self.processorTime(reading: long) < base * 100)
    }

    /// Seconds of this thread's processor time, the best of several: what else the machine does matters little.
    private static func processorTime(reading text: String) -> Double {
        var reader = LexiconReader(lexicon: .standard)
        return (0..<4).map { _ in
            let start = threadTime()
            _ = reader.read(text)
            return threadTime() - start
        }.min() ?? 0
    }

    private static func threadTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test("An empty batch gives an empty answer")
    func nothing() async throws {
        #expect(try await LexiconAnalyzer().analyze([]).isEmpty)
    }

    @Test("The analyser says what it is")
    func identity() {
        #expect(LexiconAnalyzer().identity.description == "lexicon/5")
    }
}
