import Foundation
import NIOCore

/// A file of rows in parts that the API takes, each with the header where there is one.
final class ImportParts {
    struct Part: Sendable {
        let body: ByteBuffer
        let type: String
        /// Of the file.
        let firstLine: Int
        fileprivate let rows: [(bodyLine: Int, line: Int, text: String)]

        /// The row that a line of the body belongs to, with its line in the file.
        func row(atBodyLine bodyLine: Int) -> (line: Int, text: String)? {
            rows.last { $0.bodyLine <= bodyLine }.map { ($0.line, $0.text) }
        }
    }

    private static let bytesMax = 4 << 20
    private static let rowsMax = 20_000

    private let lines: LineFile
    private let isCSV: Bool
    private var header: Data?

    init(path: String) throws {
        lines = try LineFile(path: path)
        isCSV = path.hasSuffix(".csv") || path.hasSuffix(".csv.gz")
    }

    var partRead: Double? { lines.partRead }

    /// Nil behind the last one.
    func next() throws -> Part? {
        if isCSV, header == nil {
            header = try record()
            guard let header else { return nil }
            if header.dropLast().contains(UInt8(ascii: "\r")) {
                throw ClientError("\(lines.path): its lines end with CR alone; they are to end with LF or CR LF")
            }
        }
        var body = ByteBuffer()
        var bodyLine = 1
        if let header {
            append(header, to: &body)
            bodyLine += 1
        }
        var rows: [(bodyLine: Int, line: Int, text: String)] = []
        while body.readableBytes < Self.bytesMax, rows.count < Self.rowsMax {
            let before = lines.number
            guard let record = try record() else { break }
            if record.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
            rows.append((bodyLine, before + 1, String(decoding: record, as: UTF8.self)))
            append(record, to: &body)
            bodyLine += lines.number - before
        }
        guard let first = rows.first else { return nil }
        return Part(
            body: body, type: isCSV ? "text/csv" : "application/x-ndjson", firstLine: first.line, rows: rows)
    }

    private func append(_ record: Data, to body: inout ByteBuffer) {
        body.writeBytes(record)
        body.writeString("\n")
    }

    /// A line; of CSV as many as it takes until all quotes are closed.
    private func record() throws -> Data? {
        guard var record = try lines.next() else { return nil }
        guard isCSV else { return record }
        var quotes = record.count { $0 == UInt8(ascii: "\"") }
        let firstLine = lines.number
        while quotes % 2 == 1, let line = try lines.next() {
            guard record.count <= Self.bytesMax else {
                throw ClientError("\(lines.path), line \(firstLine): a quote opens there that does not close")
            }
            record.append(UInt8(ascii: "\n"))
            record.append(line)
            quotes += line.count { $0 == UInt8(ascii: "\"") }
        }
        return record
    }
}
