import Testing

@Suite struct SwiftTextTests {
    @Test func codeIsToldFromCommentsAndLiterals() {
        let text = SwiftText(
            """
            let a = "b // c" // d "e"
            /* f /* g */ h */ let i = #"j\\(k)"# + "l\\(m("n"))o"
            """)
        #expect(
            text.tokens.filter { $0.kind == .word }.map(\.text) == ["let", "a", "let", "i", "m"])
        #expect(text.tokens.filter { $0.kind == .string }.map(\.text) == ["b // c", #"j\(k)"#, "lo", "n"])
        #expect(text.comments.map(\.text) == [#"// d "e""#, "/* f /* g */ h "])
    }

    @Test func linesAreCountedThroughLiteralsAndComments() {
        let quotes = String(repeating: "\"", count: 3)
        let text = SwiftText("let a = \(quotes)\nb\n\"c\"\n\(quotes)\n/*\n*/ let d = 1")
        #expect(text.tokens.first { $0.text == "d" }?.line == 6)
    }

    @Test func importsAreFoundBehindAttributesAndKinds() {
        let text = SwiftText(
            "@testable import A\npackage import struct B.C\n@preconcurrency import D // import E\nlet important = 1")
        #expect(text.imports.map(\.module) == ["A", "B", "D"])
    }

    @Test func aForcedValueIsAttached() {
        #expect(SwiftText("try! f()").lines(of: ["try", "!"]) == [1])
        #expect(SwiftText("try !f()").lines(of: ["try", "!"]).isEmpty)
    }
}
