import Foundation

/// A file's lines, one after the other: plain or gzipped, `-` for standard input.
final class LineFile {
    let path: String
    /// Of the line that was read last, from 1.
    private(set) var number = 0
    private let handle: FileHandle
    /// The file itself, whose place `gzip` shares; nil for standard input.
    private let source: FileHandle?
    private let gunzip: Process?
    private var buffer = Data()
    /// Where the next line begins in it.
    private var lineStart = 0
    private var isAtEnd = false
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    /// What is longer is no line that anybody takes.
    private static let lineBytesMax = 64 << 20

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

    /// Without its end, the first one without the mark that says that the file is UTF-8; nil behind the last one.
    func next() throws -> Data? {
        guard let line = try nextPart() else { return nil }
        return number == 1 && line.starts(with: Self.mark) ? Data(line.dropFirst(Self.mark.count)) : line
    }

    private func nextPart() throws -> Data? {
        while true {
            if let end = buffer[lineStart...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { lineStart = end + 1 }
                number += 1
                return Data(buffer[lineStart..<end])
            }
            // What was read is let go of once a piece, not once a line.
            buffer = Data(buffer[lineStart...])
            lineStart = 0
            guard buffer.count <= Self.lineBytesMax else {
                throw ClientError("\(path), line \(number + 1) is longer than \(Self.lineBytesMax >> 20) MiB")
            }
            if isAtEnd {
                guard !buffer.isEmpty else { return try end() }
                defer { buffer = Data() }
                number += 1
                return buffer
            }
            guard let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty else {
                isAtEnd = true
                continue
            }
            buffer.append(chunk)
        }
    }

    private func end() throws -> Data? {
        guard let gunzip else { return nil }
        gunzip.waitUntilExit()
        guard gunzip.terminationStatus == 0 else { throw ClientError("\(path): not a whole gzip file") }
        return nil
    }
}
