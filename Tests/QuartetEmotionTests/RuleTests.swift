import QuartetCore
import QuartetEmotion
import QuartetTesting
import Testing

@Suite("Rules", .ownThread)
struct RuleTests {
    @Test(
        "Plain words carry their emotion",
        arguments: [
            ("정말 재밌어요", Emotion.joy), ("너무 슬퍼요", .sadness), ("진짜 화가 나네요", .anger), ("밤에 보니 무서워요", .fear),
            ("역겨워서 못 쓰겠어요", .disgust), ("깜짝 놀랐습니다", .surprise), ("크기는 45cm입니다", .neutral),
            ("I love this mug", .joy), ("This is so sad", .sadness), ("I hate this, what a scam", .anger),
            ("I'm scared it could explode", .fear), ("Disgusting smell", .disgust), ("I was surprised", .surprise),
            ("Two cables and a box", .neutral),
        ])
    func plainWords(text: String, emotion: Emotion) async throws {
        #expect(try await read(text).emotion == emotion)
    }

    @Test(
        "A stem is found in all its inflected forms",
        arguments: ["슬프다", "슬픈 이야기", "슬퍼요", "슬펐어요", "슬픔", "슬플 것 같아요", "슬퍼서 죽겠음"])
    func inflection(text: String) async throws {
        #expect(try await read(text).emotion == .sadness)
    }

    @Test(
        "Negation turns a feeling around",
        arguments: [
            ("좋아요", "안 좋아요"), ("좋아요", "좋지 않아요"), ("좋아요", "좋지는 않아요"), ("추천", "추천하지 않아요"), ("예뻐요", "예쁘지 않네요"),
            ("만족해요", "만족 못 했어요"), ("감동이다", "감동이 없다"), ("명작이다", "명작은 아니다"), ("good", "not good"),
            ("I like it", "I don't like it"), ("great", "isn't really great"), ("works well", "doesn't work"),
            ("I'm happy", "I was never happy"), ("fun", "no fun"), ("I recommend it", "I can’t recommend it"),
            ("recommended", "dont think it's recommended"),
        ])
    func negation(plain: String, negated: String) async throws {
        #expect(try await read(plain).polarity.value > 0)
        #expect(try await read(negated).polarity.value < 0)
    }

    @Test(
        "A bad thing denied is mildly good",
        arguments: [
            "나쁘지 않아요", "지루하지 않네요", "실망하지 않았어요", "후회 없음", "지루할 틈이 없어요", "불편함이 없어요", "not bad", "never boring",
            "without any problem",
            "no regrets", "it is not boring",
        ])
    func deniedBadThings(text: String) async throws {
        let reading = try await read(text)
        #expect(reading.polarity.value > 0)
        #expect(reading.emotion == .joy)
    }

    @Test("Both things listed with 도 are denied")
    func listedThings() async throws {
        let both = try await read("매력도 감동도 추천도 없다")
        #expect(both.polarity.value < 0)
        #expect(both.scores[.joy].value == 0)
    }

    @Test(
        "Words that merely begin like a negation deny nothing",
        arguments: ["안심하고 추천", "안경이 예뻐요", "not only good but great"])
    func lookalikes(text: String) async throws {
        #expect(try await read(text).polarity.value > 0)
    }

    @Test(
        "A negation ends with its clause", arguments: ["안 커요, 좋아요", "It's not big. Good", "not for me, great for kids"])
    func clauses(text: String) async throws {
        #expect(try await read(text).polarity.value > 0)
    }

    @Test(
        "Intensity raises and lowers the score",
        arguments: [("약간 무서워요", "무서워요", "너무 무서워요"), ("slightly annoying", "annoying", "extremely annoying")])
    func intensity(damped: String, plain: String, raised: String) async throws {
        let polarities = try await readAll([damped, plain, raised]).map { abs($0.polarity.value) }
        #expect(polarities[0] < polarities[1])
        #expect(polarities[1] < polarities[2])
    }

    @Test(
        "What follows a contrast weighs more",
        arguments: [
            ("예쁘지만 불편해요", "불편하지만 예뻐요"), ("디자인은 좋아요. 하지만 실망", "실망. 하지만 디자인은 좋아요"),
            ("beautiful but disappointing", "disappointing but beautiful"),
        ])
    func contrast(endsBad: String, endsGood: String) async throws {
        #expect(try await read(endsBad).polarity.value < 0)
        #expect(try await read(endsGood).polarity.value > 0)
    }

    @Test(
        "Faces and emoji carry emotions",
        arguments: [
            ("ㅎㅎ", Emotion.joy), ("하나 더 ^^", .joy), (":)", .joy), ("😍", .joy), ("❤️", .joy), ("👍🏽", .joy),
            ("ㅠㅠㅠㅠㅠ", .sadness), ("ㅠ_ㅠ", .sadness),
            ("T_T", .sadness), (":(", .sadness), ("😭", .sadness), ("😡", .anger), ("ㅡㅡ", .anger), ("😱", .fear),
            ("🤮", .disgust), ("😮", .surprise),
        ])
    func faces(text: String, emotion: Emotion) async throws {
        let reading = try await read(text)
        #expect(reading.emotion == emotion)
        #expect(reading.keywords.isEmpty || text == "하나 더 ^^")
    }

    @Test(
        "Latin terms are whole words",
        arguments: ["The glove came in a cladding", "The Badger brand", "classic assembly"])
    func wholeWords(text: String) async throws {
        #expect(try await read(text).emotion == .neutral)
    }

    @Test("Width, case, composition and letters drawn out make no difference")
    func folding() async throws {
        let readings = try await readAll(["good", "GOOD", "ｇｏｏｄ", "goooood"])
        #expect(readings.allSatisfy { $0.polarity == readings[0].polarity && $0.scores == readings[0].scores })
        let korean = try await readAll([
            "재밌어요", "\u{110C}\u{1162}\u{1106}\u{1175}\u{11BB}\u{110B}\u{1165}\u{110B}\u{116D}",
        ])
        #expect(korean[0].scores == korean[1].scores)
        #expect(korean[0].keywords == korean[1].keywords)
    }

    @Test("A weak feeling leaves a text neutral")
    func threshold() async throws {
        let reading = try await read("배송 왔어요!")
        #expect(reading.emotion == .neutral)
        #expect(reading.scores[.joy].value > 0)
    }

    @Test("The rating is not read")
    func rating() async throws {
        let reviews = [1.0, 10].map { Review(id: "r", text: "그냥 왔어요", rating: $0) }
        let results = try await LexiconAnalyzer().analyze(reviews).map { try $0.get() }
        #expect(results[0] == results[1])
    }
}
