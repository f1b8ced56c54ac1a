/// The small words around things and their judgements.
struct AspectWords: Sendable {
    static let standard = AspectWords()

    /// Of these, less is better.
    static let nuisances: Set<String> = [
        "가격", "배송비", "소음", "향", "발열", "무게", "먼지", "보풀", "잡음", "오차", "구김", "냄새", "실밥", "price", "shipping cost", "noise",
        "smell", "weight",
    ]

    enum Role: UInt8 {
        case none, adverb, verb, denial, particle, general, more, less, allowance, determiner, likeness
        /// Before what a thing does not do, or has too much of.
        case failure, excess
        /// Begins a clause.
        case contrast
        /// Begins one where both sides judge.
        case addition
        /// Before what only says where something is.
        case place
        /// Looks like the end of a clause, or like a judgement, and is a noun.
        case plainNoun

        var isAdverb: Bool { self == .adverb || self == .verb || self == .excess }
    }

    /// What a word is to those beside it.
    struct Word {
        var role = Role.none
        /// 1 where it says that there is much of something, -1 where it says that there is little.
        var amount: Int8 = 0
    }

    /// Roles of whole words, and, behind ``amountStep``, what beginnings of words say.
    private let words: SymbolTrie
    private static let amountStep = 64
    private let afterDenied: [[UInt8]]
    private let comparisons: [[UInt8]]

    private init() {
        var roles: [[UInt8]: Int] = [:]
        var folded = FoldedText()
        func symbols(_ word: Substring) -> [UInt8] {
            folded.fold(String(word).utf8.span)
            return folded.symbols
        }
        for (role, list) in Self.lists {
            for word in list.split(whereSeparator: \.isWhitespace) { roles[symbols(word)] = Int(role.rawValue) }
        }
        for (amount, list) in Self.stems {
            for word in list.split(separator: " ") {
                roles[symbols(word), default: 0] += amount > 0 ? Self.amountStep : 2 * Self.amountStep
            }
        }
        words = SymbolTrie(roles.map { ($0.key, $0.value) })
        // A blank at the beginning of a text is none: it is put before what was folded.
        let apart = ["대비", "like", "at", "forward"].map { [Symbol.space] + symbols(Substring($0)) }
        comparisons = ["대비", "에 비해", "에 비하", "치고"].map { symbols(Substring($0)) } + apart
        afterDenied = ["지 않", "지않", "지는 않", "지도 않", "지 안", "진 않", "질 않", "지 못"].map { symbols(Substring($0)) }
    }

    /// What the symbols in `range` are, one word.
    func word(_ range: Range<Int>, in symbols: [UInt8]) -> Word {
        var (word, node) = (Word(), SymbolTrie.root)
        for index in range {
            guard let next = words.step(node, symbols[index]) else { return word }
            node = next
            guard let value = words.value(at: node) else { continue }
            if value >= Self.amountStep, word.amount == 0 { word.amount = value >= 2 * Self.amountStep ? -1 : 1 }
            if index == range.upperBound - 1, let role = Role(rawValue: UInt8(value % Self.amountStep)) {
                word.role = role
            }
        }
        switch word.role {
        case .more: word.amount = 1
        case .less: word.amount = -1
        default: break
        }
        return word
    }

    /// Whether what follows makes it a comparison, or no thing: 가격 대비, 품질에 비해, looks like.
    func isComparison(behind end: Int, in symbols: [UInt8]) -> Bool {
        comparisons.contains { symbols[end...].starts(with: $0) }
    }

    /// Whether 지 않 or the like follows a stem within two syllables.
    func isDenied(behind end: Int, in symbols: [UInt8]) -> Bool {
        (end...min(end + 6, symbols.count)).contains { start in
            afterDenied.contains { symbols[start...].starts(with: $0) }
        }
    }

    /// Beginnings of Korean words that say how much there is.
    private static let stems: [(Double, String)] = [
        (1, "높 강해 강하 강합 강한 많아 많고 많네 많습 많은 풍부"),
        (-1, "낮 약해 약하 약합 약한 적어 적고 적네 적습 적은 없어 없고 없네 없습 없는 없이"),
    ]

    private static let lists: [(Role, String)] = [
        (
            .adverb,
            """
            너무 정말 진짜 아주 매우 완전 좀 조금 꽤 참 약간 생각보다 더 제일 굉장히 엄청 상당히 훨씬 특히 잘 안 못 a an very really so not \
            quite pretty extremely super just also incredibly rather bit absolutely totally
            """
        ),
        (
            .verb,
            """
            is are was were isn't aren't wasn't weren't feels feel felt looks look looked seems seemed works worked has have had got
            """
        ),
        (.denial, "안 못"), (.allowance, "for"), (.likeness, "like liked"), (.excess, "too"),
        (.failure, "doesn't don't won't can't cannot didn't wouldn't couldn't"),
        (.addition, "and"), (.place, "from under over in at inside into on onto behind through near"),
        (.determiner, "the this its my their your our these those"),
        (.particle, "은 는 이 가 도 만 들이 들은"),
        (
            .general,
            """
            제품 상품 물건 이것 저것 기분 마음 맘 생각 아이 아기 엄마 부모님 남편 친구 선물 사람 요즘 처음 다음 이거 저거 전체적 가족 강아지 고양이 눈 귀 손목 어깨 \
            밤에 낮에 아침 아침에 저녁 저녁에 여름 여름에 겨울 겨울에 평소 주말 주변 어디 모두 전부 하루 기대 후회 추천 구매 만족 불만 문제 느낌 정도 사진 리뷰 후기 제가 우리 it that they everything product item thing purchase one \
            i we he she you wife husband son daughter kids dog cat everyone which who what overall either neither expected nothing something anything
            """
        ),
        (.more, "high higher"), (.less, "low lower"),
        (
            .contrast,
            """
            but although though however while yet except whereas unfortunately 하지만 근데 그런데 그러나 다만 대신 반면
            """
        ),
        (
            .plainNoun,
            """
            최고 창고 광고 중고 재고 참고 경고 사고 support fan fans toy toys play charge right smart complain well party share interest gift gifts pay energy
            """
        ),
    ]
}
