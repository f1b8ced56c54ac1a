/// Cuts the stretch of a text that is shown with its reading.
enum Excerpt {
    static let bytesMax = 240
    /// How far a cut moves to fall between words.
    private static let slackMax = 30
    /// What is kept before the focus where the start has to be cut.
    private static let leadMax = 80

    /// The part of `text` inside `range` (bytes), at most ``bytesMax`` bytes and around the byte `focus`. It begins and
    /// ends between characters; only a single character longer than the bound is cut, between scalars.
    static func cut(_ text: String, to range: Range<Int>, focus: Int) -> String {
        let utf8 = text.utf8
        var (start, end) = trimmed(range, in: utf8.span)
        if end - start > bytesMax {
            let focus = min(max(focus, start), end)
            if focus - start > bytesMax - leadMax {
                start = wordStart(after: max(start, min(focus - leadMax, end - bytesMax)), in: utf8.span)
            }
            if end - start > bytesMax { end = wordEnd(before: start + bytesMax, in: utf8.span) }
        }
        if start == 0, end == utf8.count { return text }
        let lower = characterBoundary(atOrAfter: start, in: text)
        let upper = characterBoundary(atOrBefore: end, in: text)
        if lower < upper { return String(text[lower..<upper]) }
        while start < end, utf8.span[start] & 0xC0 == 0x80 { start += 1 }
        while end > start, end < utf8.count, utf8.span[end] & 0xC0 == 0x80 { end -= 1 }
        return String(text[index(start, in: text)..<index(end, in: text)])
    }

    private static func trimmed(_ range: Range<Int>, in utf8: Span<UInt8>) -> (start: Int, end: Int) {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isBlank(utf8[start]) { start += 1 }
        // A sentence has no control character inside, but accents and joiners may follow the one that ended it.
        if let control = utf8.extracting(start..<end).withUnsafeBufferPointer({ bytes in
            bytes.firstIndex { $0 < 0x20 && $0 != 0x09 }
        }) {
            end = start + control
        }
        while end > start, isBlank(utf8[end - 1]) { end -= 1 }
        return (start, end)
    }

    private static func wordStart(after offset: Int, in utf8: Span<UInt8>) -> Int {
        for index in offset..<min(offset + slackMax, utf8.count) where isBlank(utf8[index]) { return index + 1 }
        return offset
    }

    private static func wordEnd(before offset: Int, in utf8: Span<UInt8>) -> Int {
        for index in stride(from: offset, to: max(offset - slackMax, 0), by: -1)
        where index < utf8.count && isBlank(utf8[index]) {
            return index
        }
        return offset
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte <= 0x20 || byte == 0x7F }

    private static func index(_ offset: Int, in text: String) -> String.Index {
        text.utf8.index(text.startIndex, offsetBy: offset)
    }

    private static func characterBoundary(atOrBefore offset: Int, in text: String) -> String.Index {
        let index = index(offset, in: text)
        guard index > text.startIndex, index < text.endIndex else { return index }
        return text.index(before: text.index(after: index))
    }

    private static func characterBoundary(atOrAfter offset: Int, in text: String) -> String.Index {
        let exact = index(offset, in: text)
        let below = characterBoundary(atOrBefore: offset, in: text)
        return below == exact ? exact : text.index(after: below)
    }
}
