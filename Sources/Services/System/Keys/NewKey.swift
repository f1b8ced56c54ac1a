/// A key as its caller gets it, once: what it is known by, and 256 random bits that nobody else knows.
struct NewKey: Sendable {
    static let idLength = 19

    /// The visible part: `qk_` and 16 hexadecimal digits.
    let id: String
    /// All of it. Secret.
    let text: String

    init() {
        id = "qk_" + Self.hexadecimal((0..<8).map { _ in UInt8.random(in: .min ... .max) })
        text = "\(id)_" + Self.hexadecimal((0..<32).map { _ in UInt8.random(in: .min ... .max) })
    }

    /// What is kept of a key: of so many random bits, nobody finds them by it.
    static func hash(of text: some StringProtocol) -> String { hexadecimal(SHA256.digest(text.utf8)) }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
