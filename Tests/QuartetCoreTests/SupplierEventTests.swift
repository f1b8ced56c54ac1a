import QuartetCore
import Testing

/// How what suppliers have is called, and what their events carry.
@Suite struct SupplierEventTests {
    @Test func aKeyIsPlainWhereItCanBe() {
        #expect(SupplierKey.make("acme", "i-1") == "acme:i-1")
        #expect(SupplierKey.make("가게", "상품:1") == "가게:상품:1")
    }

    @Test func aKeyThatCanBeNoneIsAHashOfBoth() {
        let ids = [
            ("acme", String(repeating: "상", count: 42)), ("acme", "a\u{7}"), ("acme", "e\u{301}"), ("a:b", "c"),
            ("#a", "b"), (String(repeating: "s", count: 128), "b"), ("a:b", "c:d"), ("a:b:c", "d"),
        ]
        let keys = ids.map { SupplierKey.make($0, $1) }
        #expect(Set(keys).count == ids.count)
        for key in keys { #expect(key.wholeMatch(of: /#[0-9a-f]{32}/) != nil && ShopID.isValid(key)) }
        // The same in every build: rows are found by it.
        #expect(SupplierKey.make("a:b", "c") == "#62bad97589698bc683f30bd51a2b9231")
    }

    @Test func anItemIsReadWhateverItSays() throws {
        let json = #"{"supplier_id":"a","item_id":"1","item":{"n":"x","p":5,"q":5.5,"f":true,"l":[1],"o":{},"z":null}}"#
        let payload = try SupplierItemPayload(json: Array(json.utf8))
        #expect(
            payload.item == [
                "n": .text("x"), "p": .integer(5), "q": .other, "f": .other, "l": .other, "o": .other, "z": .null,
            ])
        #expect(throws: EventDecodingError.self) { try SupplierItemPayload(json: Array(#"{"item":{}}"#.utf8)) }
    }
}
