import Foundation
import QuartetCore

/// A file of products and their reviews: a JSON object a line, plain or gzipped, `-` for standard input.
///
/// `{"productId": "...", "reviews": [{"id", "text", "rating" 1...10, "date"}, ...]}`
final class ReviewFile {
    /// One line. Reviews stay as they came: whether they are good is for the API to say, one by one.
    struct Product: Sendable {
        let line: Int
        let id: String
        let reviews: [[UInt8]]
    }

    /// A line that is no product.
    struct BadLine: Error, CustomStringConvertible {
        let line: Int
        let reason: String
        let text: String

        var description: String { "line \(line): \(reason)" }
    }

    let path: String
    private let handle: FileHandle
    /// The file itself, whose place `gzip` shares; nil for standard input.
    private let source: FileHandle?
    private let gunzip: Process?
    private var buffer = Data()
    /// Where the next line begins in it.
    private var lineStart = 0
    private var isAtEnd = false
    private var lineNumber = 0

    init(path: String) throws {
        self.path = path
        if path == "-" {
            (handle, source, gunzip) = (.standardInput, nil, nil)
            return
        }
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw ClientError("\(path): no such file, or it can't be read")
        }
        guard path.hasSuffix(".gz") else {
            (handle, source, gunzip) = (file, file, nil)
            return
        }
        let pipe = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc"]
        process.standardInput = file
        process.standardOutput = pipe
        try process.run()
        (handle, source, gunzip) = (pipe.fileHandleForReading, file, process)
    }

    /// How much of the file has been read, 0...1; nil where its length is not known.
    var partRead: Double? {
        guard let descriptor = source?.fileDescriptor else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0 else { return nil }
        return Double(lseek(descriptor, 0, SEEK_CUR)) / Double(status.st_size)
    }

    /// The ids of all products that are left, each once. Lines that are none are left out, as `ingest` leaves them out.
    func productIDs() throws -> [String] {
        var seen: Set<String> = []
        var ids: [String] = []
        while let product = try next() {
            guard case .success(let product) = product, ProductID(product.id) != nil else { continue }
            if seen.insert(product.id).inserted { ids.append(product.id) }
        }
        return ids
    }

    /// The next product, or what is wrong with its line; nil at the end.
    func next() throws -> Result<Product, BadLine>? {
        while let line = try nextLine() {
            lineNumber += 1
            let bytes = Array(line)
            if bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
            do {
                return .success(try product(in: bytes))
            } catch let problem as Misfit {
                let text = String(decoding: bytes, as: UTF8.self)
                return .failure(BadLine(line: lineNumber, reason: problem.reason, text: text))
            }
        }
        guard let gunzip else { return nil }
        gunzip.waitUntilExit()
        guard gunzip.terminationStatus == 0 else { throw ClientError("\(path): not a whole gzip file") }
        return nil
    }

    private struct Misfit: Error {
        let reason: String
    }

    private func product(in line: [UInt8]) throws -> Product {
        var id: String?
        var reviews: [[UInt8]]?
        do {
            var members = try JSONParts.object(line)
            while let (key, value) = try members.nextMember() {
                switch try? JSONDecoder().decode(String.self, from: Data(key)) {
                case "productId": id = try Self.id(value)
                case "reviews":
                    var elements = try JSONParts.array(Array(value))
                    var all: [[UInt8]] = []
                    while let element = try elements.next() { all.append(Array(element)) }
                    reviews = all
                default: break
                }
            }
        } catch is JSONParts.Failure {
            throw Misfit(reason: "not a JSON object of a product and its reviews")
        }
        guard let id else { throw Misfit(reason: "productId is missing") }
        guard let reviews else { throw Misfit(reason: "reviews is missing") }
        return Product(line: lineNumber, id: id, reviews: reviews)
    }

    /// A text, or a number as it stands there.
    private static func id(_ value: ArraySlice<UInt8>) throws -> String {
        if let text = try? JSONDecoder().decode(String.self, from: Data(value)) { return text }
        guard value.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == 0x20 }) else {
            throw Misfit(reason: "productId is not a string")
        }
        return String(decoding: value.filter { $0 != 0x20 }, as: UTF8.self)
    }

    private func nextLine() throws -> Data? {
        while true {
            if let end = buffer[lineStart...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { lineStart = end + 1 }
                return Data(buffer[lineStart..<end])
            }
            // What was read is let go of once a piece, not once a line.
            buffer = Data(buffer[lineStart...])
            lineStart = 0
            if isAtEnd {
                guard !buffer.isEmpty else { return nil }
                defer { buffer = Data() }
                return buffer
            }
            guard let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty else {
                isAtEnd = true
                continue
            }
            buffer.append(chunk)
        }
    }
}
