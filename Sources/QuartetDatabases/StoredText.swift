/// Text on its way into PostgreSQL and back. Its text can hold every character except U+0000.
package enum StoredText {
    /// Throws an error that says what `text` is, if PostgreSQL can't keep it.
    package static func require(_ text: String, _ subject: @autoclosure () -> String) throws {
        guard text.utf8.contains(0) else { return }
        throw PostgresStoreError(
            .invalidInput, "\(subject()) contains the character U+0000, which PostgreSQL can't store")
    }

    /// `text` with a replacement character for each U+0000, cut to at most `bytesMax` bytes.
    ///
    /// For what must be stored whatever it says: an error that could not be recorded would leave its request open for
    /// ever.
    package static func made(storable text: String, bytesMax: Int) -> String {
        var result = ""
        var room = bytesMax
        for scalar in text.unicodeScalars {
            let stored = scalar.value == 0 ? "\u{FFFD}" : scalar
            room -= UTF8.width(stored)
            guard room >= 0 else { break }
            result.unicodeScalars.append(stored)
        }
        return result
    }
}
