import Foundation

/// A file of products and their reviews: a JSON object a line, plain or gzipped, `-` for standard input.
///
/// `{"productId": "...", "reviews": [{"id", "text", "rating" 1...10, "date"}, ...]}`
final class ReviewFile {
    struct Product: Decodable, Sendable {
        struct Review: Codable, Sendable {
            let id: String
            let text: String
            let rating: Int?
            let date: String?
        }

        let productId: String
        let reviews: [Review]
    }

    private let path: String
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

    /// The ids of all products that are left, each once.
    func productIDs() throws -> [String] {
        var seen: Set<String> = []
        var ids: [String] = []
        while let product = try next() {
            if seen.insert(product.productId).inserted { ids.append(product.productId) }
        }
        return ids
    }

    /// The next product, nil at the end.
    ///
    /// - Throws: `ClientError` that names the line which is not a product.
    func next() throws -> Product? {
        while let line = try nextLine() {
            lineNumber += 1
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
            do {
                return try JSONDecoder().decode(Product.self, from: line)
            } catch let error as DecodingError {
                throw ClientError("\(path), line \(lineNumber): \(Self.reason(error))")
            }
        }
        guard let gunzip else { return nil }
        gunzip.waitUntilExit()
        guard gunzip.terminationStatus == 0 else { throw ClientError("\(path): not a whole gzip file") }
        return nil
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

    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "\(key.stringValue) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            context.codingPath.map(\.stringValue).joined(separator: ".") + " has the wrong type"
        default: "not a JSON object"
        }
    }
}
