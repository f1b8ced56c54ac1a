/// A file of Java's properties, which is read as Latin-1: whatever is no ASCII is escaped.
enum JavaProperties {
    static func text(_ properties: [String: String]) -> String {
        properties.sorted { $0.key < $1.key }.map { "\($0.key)=\(escaped($0.value))\n" }.joined()
    }

    private static func escaped(_ value: String) -> String {
        value.utf16.reduce(into: "") { text, unit in
            switch unit {
            case 0x5C: text += #"\\"#
            case 0x20...0x7E: text += String(UnicodeScalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                text += #"\u"# + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
    }
}
