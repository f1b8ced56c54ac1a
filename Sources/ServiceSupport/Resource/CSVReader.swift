/// Rows of comma-separated values, one after the other.
///
/// Source: RFC 4180. A line may end with LF alone.
struct CSVReader {
    /// A quote that does not close, something behind one that does, or bytes that are no UTF-8. The next row is the one behind it.
    struct Malformed: Error {}

    private let bytes: ArraySlice<UInt8>
    private var place: Int
    /// Of the row that was read last, from 1.
    private(set) var line = 0
    private var nextLine = 1
    private var isText = true

    init(_ bytes: some Collection<UInt8>) {
        self.bytes = Array(bytes)[...]
        place = self.bytes.startIndex
    }

    /// The cells of the next row that is not empty; nil at the end.
    mutating func next() throws(Malformed) -> [String]? {
        while place < bytes.endIndex {
            line = nextLine
            isText = true
            var cells: [String] = []
            do throws(Malformed) {
                repeat { cells.append(try cell()) } while take(UInt8(ascii: ","))
                _ = take(UInt8(ascii: "\r"))
                guard take(UInt8(ascii: "\n")) || place == bytes.endIndex else { throw Malformed() }
            } catch {
                while place < bytes.endIndex, !take(UInt8(ascii: "\n")) { place += 1 }
                nextLine += 1
                throw error
            }
            nextLine += 1
            guard isText else { throw Malformed() }
            if cells != [""] { return cells }
        }
        return nil
    }

    private mutating func cell() throws(Malformed) -> String {
        guard take(UInt8(ascii: "\"")) else {
            let start = place
            while place < bytes.endIndex, !Self.endsCell(bytes[place]) { place += 1 }
            return text(bytes[start..<place])
        }
        var cell: [UInt8] = []
        while place < bytes.endIndex {
            if take(UInt8(ascii: "\"")) {
                guard take(UInt8(ascii: "\"")) else { return text(cell[...]) }
                cell.append(UInt8(ascii: "\""))
            } else {
                if bytes[place] == UInt8(ascii: "\n") { nextLine += 1 }
                cell.append(bytes[place])
                place += 1
            }
        }
        throw Malformed()
    }

    private mutating func text(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(validating: bytes, as: UTF8.self)
        if text == nil { isText = false }
        return text ?? ""
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard place < bytes.endIndex, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    private static func endsCell(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }
}
