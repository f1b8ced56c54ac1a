import QuartetCore
import QuartetEmotion
import QuartetTesting
import Testing

@Suite("Excerpts", .ownThread)
struct ExcerptTests {
    @Test("The sentence that decided is shown")
    func sentence() async throws {
        #expect(try await read("어제 왔어요. 포장이 최고예요! 4.5 인치입니다.").excerpt == "포장이 최고예요!")
        #expect(try await read("It came today.\nI love it so much.\nBlue.").excerpt == "I love it so much.")
        #expect(try await read("크기는 4.5 인치. 무게는 몰라요").excerpt == "크기는 4.5 인치.")
    }

    @Test("A face behind a full stop belongs to the sentence")
    func faces() async throws {
        #expect(try await read("왔네요. 최고예요!! 😍😍 ㅎㅎ\n끝").excerpt == "최고예요!! 😍😍 ㅎㅎ")
    }

    @Test("A long sentence is cut around what decided, between words")
    func window() async throws {
        let filler = String(repeating: "상자를 받아 책상에 두고 ", count: 40)
        let text = filler + "완전 최고였음 " + filler
        let excerpt = try await read(text).excerpt
        #expect(excerpt.contains("최고였음"))
        #expect(excerpt.utf8.count <= 240)
        #expect(excerpt.split(separator: " ").allSatisfy { text.split(separator: " ").contains($0) })
    }

    @Test("Characters are never cut", arguments: 0..<24)
    func characters(padding: Int) async throws {
        let family = "👨‍👩‍👧‍👦"
        for piece in [family, "e\u{301}", "가", "🇰🇷", "각\u{1100}\u{1161}", "a"] {
            let text = String(repeating: "x", count: padding) + String(repeating: piece, count: 200)
            let reading = try await read(text)
            expectSound(reading, of: text)
            #expect(text.hasPrefix(reading.excerpt))
            #expect(!reading.excerpt.isEmpty)
        }
    }

    @Test("A single character longer than the bound is cut between scalars")
    func giant() async throws {
        let text = "a" + String(repeating: "\u{301}", count: 50_000)
        let reading = try await read(text)
        expectSound(reading, of: text)
        #expect(reading.excerpt.utf8.count >= 239)
    }

    @Test("No excerpt runs across a control character")
    func controls() async throws {
        #expect(try await read("좋아요\u{0}\u{0}끝").excerpt == "좋아요")
        #expect(try await read("\u{0}\u{1}\u{7}").excerpt == "")
    }

    @Test("Nothing in, nothing out", arguments: ["", " ", "\n\t \r\n"])
    func empty(text: String) async throws {
        let reading = try await read(text)
        #expect(reading.emotion == .neutral)
        #expect(reading.polarity.value == 0)
        #expect(reading.scores[.neutral].value == 1)
        #expect(reading.keywords.isEmpty)
        #expect(reading.excerpt.isEmpty)
    }
}
