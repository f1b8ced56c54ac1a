/// Text as a shell takes it.
package enum ShellWord {
    /// Plain where a shell takes it as it is, so that readers that know no quotes can read it too.
    package static func quoted(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "_-./:@,?=+%".utf8.contains(byte)
            }
        }
        return isPlain ? value : "'" + value.replacing("'", with: "'\\''") + "'"
    }
}
