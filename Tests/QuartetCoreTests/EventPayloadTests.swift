import Foundation
import QuartetCore
import Testing

@Suite struct EventPayloadTests {
    private static let id = ProductID("shop-a:p.1")

    @Test(arguments: [
        #"{"product_id":"shop-a:p.1","generation":2}"#, #" { "generation" : 2 , "product_id" : "shop-a:p.1" } "#,
        #"{"product_id":"shop-a:p.1","generation":1,"generation":2}"#,
        #"{"new": [{}], "generation": 2,"product_id":"shop-a:p\u002e1"}"#,
    ])
    func fieldOrderSpaceFurtherFieldsAndEscapesDoNotMatter(_ text: String) throws {
        let payload = try AnalysisPayload(json: Array(text.utf8))
        #expect(payload == AnalysisPayload(productID: try #require(Self.id), generation: 2))
        #expect(try AnalysisPayload(json: payload.json) == payload)
    }

    @Test(arguments: [
        "", "{", "[]", "null", "{}", #"{"product_id":"p"}"#, #"{"product_id":"p\tq","generation":1}"#,
        #"{"product_id":"p","generation":"1"}"#, #"{"product_id":"p","generation":9223372036854775808}"#,
        #"{"product_id":"p","generation":1.5}"#, #"{"product_id":"p","generation":0}"#,
        #"{"product_id":"p","generation":-1}"#, #"{"product_id":"p","generation":1}x"#,
        #"{"product_id":"p","generation":01}"#, "\u{0}\u{1}",
    ])
    func whatDoesNotFitIsRefusedAndNotShown(_ text: String) {
        let error = #expect(throws: EventDecodingError.self) { try AnalysisPayload(json: Array(text.utf8)) }
        #expect(error?.reason.contains("product_id and generation") == true)
    }

    /// What our own SQL writes takes the quick way, and both ways read the same.
    @Test func bothWaysOfReadingAgree() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let id = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                "abcXYZ019._:-".randomElement(using: &random)!
            }
            let version = Int64.random(in: 1 ... .max, using: &random)
            let generation = Int.random(in: 1...9, using: &random)
            let text =
                #"{"product_id" : "\#(String(id))", "generation" : \#(generation), "result_version" : \#(version)}"#
            let bytes = Array(text.utf8)
            let quick = try #require(FlatJSON(bytes).flatMap(CompletionPayload.init(flat:)))
            #expect(try JSONDecoder().decode(CompletionPayload.self, from: Data(bytes)) == quick)
        }
    }

    @Test func typesAreKnownByTheirNames() {
        #expect(Set(EventType.all.map(\.name)).count == EventType.all.count)
        for type in EventType.all { #expect(EventType.named(type.name) == type && !type.sinks.isEmpty) }
        #expect(EventType.named("analysis.exploded") == nil)
    }
}
