import QuartetCore
import Testing

/// What suppliers' events carry.
@Suite struct SupplierEventTests {
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
