import QuartetCore
import Testing

/// How what others have is called.
@Suite struct OriginKeyTests {
    @Test func aKeyIsPlainWhereItCanBe() {
        #expect(OriginKey.make("acme", "i-1") == "acme:i-1")
        #expect(OriginKey.make("가게", "상품:1") == "가게:상품:1")
    }

    @Test func aKeyThatCanBeNoneIsAHashOfBoth() {
        let ids = [
            ("acme", String(repeating: "상", count: 42)), ("acme", "a\u{7}"), ("acme", "e\u{301}"), ("a:b", "c"),
            ("#a", "b"), (String(repeating: "s", count: 128), "b"), ("a:b", "c:d"), ("a:b:c", "d"),
        ]
        let keys = ids.map { OriginKey.make($0, $1) }
        #expect(Set(keys).count == ids.count)
        for key in keys { #expect(key.wholeMatch(of: /#[0-9a-f]{32}/) != nil && ShopID.isValid(key)) }
        // The same in every build: rows are found by it.
        #expect(OriginKey.make("a:b", "c") == "#62bad97589698bc683f30bd51a2b9231")
    }
}
