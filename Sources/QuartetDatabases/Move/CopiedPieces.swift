import Postgres

/// What COPY TO gives, cut into pieces that are each committed by themselves.
final class CopiedPieces {
    private var rows: PostgresCopyStream.AsyncIterator
    private let keyCount: Int
    private(set) var isAtEnd = false
    /// The key of the last row that was given.
    private(set) var last: [String]?

    /// - Parameter keyCount: how many fields at the beginning of each row are its key.
    init(_ stream: PostgresCopyStream, keyCount: Int) {
        rows = stream.makeAsyncIterator()
        self.keyCount = keyCount
    }

    fileprivate func next() async throws -> [UInt8]? {
        guard let bytes = try await rows.next() else {
            isAtEnd = true
            return nil
        }
        if keyCount > 0 { last = Self.fields(ofLastLine: bytes, keyCount) }
        return bytes
    }

    /// At least so many rows, all that are left where those are fewer.
    func piece(rowsMin: Int) -> Piece { Piece(pieces: self, rowsMin: rowsMin) }

    struct Piece: AsyncSequence, AsyncIteratorProtocol {
        let pieces: CopiedPieces
        let rowsMin: Int
        private var count = 0

        init(pieces: CopiedPieces, rowsMin: Int) {
            self.pieces = pieces
            self.rowsMin = rowsMin
        }

        mutating func next() async throws -> [UInt8]? {
            guard count < rowsMin, let bytes = try await pieces.next() else { return nil }
            count += bytes.count { $0 == UInt8(ascii: "\n") }
            return bytes
        }

        func makeAsyncIterator() -> Piece { self }
    }

    /// The first fields of the last of several rows in COPY's text format, in which a line's end in a value is escaped.
    static func fields(ofLastLine bytes: [UInt8], _ count: Int) -> [String] {
        let lines = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
        let start = lines.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? lines.startIndex
        return lines[start...].split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).prefix(count)
            .map(unescaped)
    }

    private static func unescaped(_ field: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in field {
            switch (isEscaped, byte) {
            case (false, UInt8(ascii: "\\")): isEscaped = true
            case (false, _): bytes.append(byte)
            case (true, _):
                bytes.append(escapes[byte] ?? byte)
                isEscaped = false
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13,
        UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11,
    ]
}
