/// A piece of Swift source: a word, a sign, or the text of a string literal.
struct Token: Sendable, Equatable {
    enum Kind: Sendable {
        case word, sign, string
    }

    let kind: Kind
    let text: String
    /// From 1.
    let line: Int
    /// Nothing stands between it and the token before.
    let isAttached: Bool
}

/// Swift source taken apart, so that rules about code are not misled by what comments and literals say.
struct SwiftText: Sendable {
    private(set) var tokens: [Token] = []
    private(set) var comments: [(line: Int, text: String)] = []

    init(_ text: String) {
        var lexer = Lexer(text)
        lexer.readCode(closing: nil)
        tokens = lexer.tokens
        comments = lexer.comments
    }

    /// Where code has these words and signs one after the other; a sign must stand directly behind what is before it.
    func places(of pattern: [String]) -> [Int] {
        guard !tokens.isEmpty else { return [] }
        return tokens.indices.filter { start in
            guard start + pattern.count <= tokens.count else { return false }
            return pattern.indices.allSatisfy { offset in
                let token = tokens[start + offset]
                return token.kind != .string && token.text == pattern[offset]
                    && (offset == 0 || token.kind == .word || token.isAttached)
            }
        }
    }

    func lines(of pattern: [String]) -> [Int] {
        places(of: pattern).map { tokens[$0].line }
    }

    /// The modules that the file imports.
    var imports: [(module: String, line: Int)] {
        let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor"]
        return places(of: ["import"]).compactMap { place in
            let line = tokens[place].line
            let names = tokens[(place + 1)...].prefix { $0.line == line && $0.kind == .word }
            return names.first { !kinds.contains($0.text) }.map { ($0.text, line) }
        }
    }
}

private struct Lexer {
    private let bytes: [UInt8]
    private var place = 0
    private var line = 1
    private var isAttached = false
    private(set) var tokens: [Token] = []
    private(set) var comments: [(line: Int, text: String)] = []

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// Reads up to the parenthesis that closes an interpolation, or to the end.
    mutating func readCode(closing: UInt8?) {
        var depth = 0
        while place < bytes.count {
            let byte = bytes[place]
            if byte == closing, depth == 0 {
                place += 1
                return
            }
            if byte == UInt8(ascii: "(") { depth += 1 }
            if byte == UInt8(ascii: ")") { depth -= 1 }
            readNext(byte)
        }
    }

    private mutating func readNext(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\n"), UInt8(ascii: " "), UInt8(ascii: "\t"):
            skip()
            isAttached = false
        case UInt8(ascii: "/") where starts("//"): readComment { $0.peek == UInt8(ascii: "\n") }
        case UInt8(ascii: "/") where starts("/*"):
            var depth = 0
            readComment { lexer in
                if lexer.starts("/*") { depth += 1 }
                if lexer.starts("*/") { depth -= 1 }
                return depth == 0
            }
            place = min(place + 2, bytes.count)
        case UInt8(ascii: "\""), UInt8(ascii: "#"):
            guard let hashes = hashesBeforeQuote() else { fallthrough }
            readString(hashes: hashes)
        default: readWordOrSign()
        }
    }

    private mutating func readWordOrSign() {
        let start = place
        while place < bytes.count, Self.isWord[Int(bytes[place])] { place += 1 }
        let kind = place > start ? Token.Kind.word : .sign
        if kind == .sign { place += 1 }
        add(kind, bytes[start..<place], line: line)
    }

    private mutating func readComment(until isEnd: (inout Lexer) -> Bool) {
        let (start, startLine) = (place, line)
        while place < bytes.count, !isEnd(&self) { skip() }
        comments.append((startLine, String(decoding: bytes[start..<place], as: UTF8.self)))
        isAttached = false
    }

    /// How many # stand before the quote that begins a literal here; nil if none begins.
    private func hashesBeforeQuote() -> Int? {
        var end = place
        while end < bytes.count, bytes[end] == UInt8(ascii: "#") { end += 1 }
        return end < bytes.count && bytes[end] == UInt8(ascii: "\"") ? end - place : nil
    }

    private mutating func readString(hashes: Int) {
        let startLine = line
        place += hashes
        let quote = starts("\"\"\"") ? "\"\"\"" : "\""
        place += quote.utf8.count
        let closing = quote + String(repeating: "#", count: hashes)
        let escape = "\\" + String(repeating: "#", count: hashes)
        var text: [UInt8] = []
        var inner: [Token] = []
        while place < bytes.count {
            let byte = bytes[place]
            if byte == UInt8(ascii: "\""), starts(closing) { break }
            guard byte == UInt8(ascii: "\\"), starts(escape) else {
                text.append(byte)
                skip()
                continue
            }
            place += escape.utf8.count
            if peek == UInt8(ascii: "(") {
                inner += interpolation()
            } else {
                text += escape.utf8
                if place < bytes.count { text.append(bytes[place]) }
                skip()
            }
        }
        place = min(place + closing.utf8.count, bytes.count)
        add(.string, text[...], line: startLine)
        tokens += inner
    }

    /// The code in an interpolation, which follows the literal's own token.
    private mutating func interpolation() -> [Token] {
        place += 1
        let outer = tokens
        tokens = []
        isAttached = false
        readCode(closing: UInt8(ascii: ")"))
        defer { tokens = outer }
        return tokens
    }

    private var peek: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skip() {
        if peek == UInt8(ascii: "\n") { line += 1 }
        place += 1
    }

    private func starts(_ text: String) -> Bool {
        bytes[min(place, bytes.count)...].starts(with: text.utf8)
    }

    private mutating func add(_ kind: Token.Kind, _ text: ArraySlice<UInt8>, line: Int) {
        tokens.append(
            Token(kind: kind, text: String(decoding: text, as: UTF8.self), line: line, isAttached: isAttached))
        isAttached = true
    }

    /// Whether each byte is part of words.
    private static let isWord = (0..<256).map { byte in
        byte >= 0x80 || UInt8(byte) == UInt8(ascii: "_") || UInt8(byte) == UInt8(ascii: "$")
            || Character(UnicodeScalar(UInt8(byte))).isLetter || Character(UnicodeScalar(UInt8(byte))).isNumber
    }
}
