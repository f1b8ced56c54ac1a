import QuartetTesting
import Testing

@testable import QuartetEmotion

@Suite("Valences", .ownThread)
struct ValenceTests {
    private func values(_ string: String) -> [Float] {
        var (text, valences) = (FoldedText(), Valences())
        text.fold(string.utf8.span)
        valences.collect(from: text, string.utf8.span, by: .standard)
        return valences.hits.map(\.value)
    }

    @Test("The list is whole")
    func list() {
        #expect(values("good")[0] > 0 && values("terrible")[0] < 0 && values("table").isEmpty)
    }

    @Test(
        "Denial turns, strength and capitals scale", arguments: [("not good", "good"), ("wasn't really good", "good")])
    func denial(denied: String, plain: String) {
        #expect(values(denied)[0] < 0 && values(plain)[0] > 0)
        #expect(values("very good")[0] > values("good")[0])
        #expect(values("slightly good")[0] < values("good")[0])
        #expect(values("it is GOOD")[0] > values("it is good")[0])
        #expect(values("ALL IS GOOD")[0] == values("good")[0])
    }

    @Test("What follows but counts more, within its sentence")
    func contrast() {
        let plain = (good: values("good")[0], bad: values("bad")[0])
        let mixed = values("good but bad. good")
        #expect(mixed[0] == plain.good * 0.5 && mixed[1] == plain.bad * 1.5 && mixed[2] == plain.good)
    }

    @Test("Rules have bounded sums for any text", arguments: ["", "!!!", "GREAT!!!!!!!!!! awful", "최고예요 but bad"])
    func sums(string: String) {
        var (text, evidence, valences) = (FoldedText(), Evidence(), Valences())
        text.fold(string.utf8.span)
        evidence.collect(from: text, by: .standard)
        valences.collect(from: text, string.utf8.span, by: .standard)
        let sums = valences.sums(of: text, evidence)
        for index in sums.indices { #expect(abs(sums[index]) < 8) }
    }
}
