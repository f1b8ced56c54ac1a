import Foundation
import Testing

@testable import QuartetService

@Suite(.timeLimit(.minutes(5))) struct LogSinkTests {
    private struct PipeEnds {
        let read: Int32
        let write: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            (read, write) = (ends[0], ends[1])
        }

        /// Everything until the other end is closed.
        func text() -> String {
            let file = FileHandle(fileDescriptor: read, closeOnDealloc: false)
            return String(decoding: file.readDataToEndOfFile(), as: UTF8.self)
        }
    }

    @Test func linesComeInOrder() throws {
        let pipe = try PipeEnds()
        do {
            let sink = LogSink(descriptor: pipe.write)
            for number in 0..<100 { sink.write("line \(number)\n") }
            #expect(sink.droppedCount == 0)
        }
        close(pipe.write)
        #expect(pipe.text() == (0..<100).map { "line \($0)\n" }.joined())
        close(pipe.read)
    }

    /// A reader that stands still keeps nobody waiting, loses the last lines, and is told how many.
    @Test func whoDoesNotReadLosesLines() async throws {
        let pipe = try PipeEnds()
        let sink = LogSink(descriptor: pipe.write, backlogBytesMax: 10_000)
        let count = 20_000
        for number in 0..<count { sink.write("line \(number)\n") }
        let dropped = sink.droppedCount
        #expect(dropped > 0)
        let reading = Task.detachedReader(pipe.read)
        sink.flush(atMost: .seconds(30))
        sink.write("last\n")
        #expect(sink.droppedCount == 0)
        sink.write("end\n")
        let lines = await reading.value
        #expect(lines.prefix(count - dropped) == (0..<count - dropped).map { "line \($0)" }[...])
        #expect(lines.suffix(3) == ["(\(dropped) log lines were dropped)", "last", "end"])
        close(pipe.write)
        close(pipe.read)
    }

    @Test func aFullDiskAndAClosedPipeCostLinesOnly() throws {
        signal(SIGPIPE, SIG_IGN)
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        let pipe = try PipeEnds()
        close(pipe.read)
        for descriptor in [full, pipe.write, -1] {
            let sink = LogSink(descriptor: descriptor)
            for _ in 0..<3 { sink.write("line\n") }
            #expect(sink.droppedCount == 3)
        }
        close(full)
        close(pipe.write)
    }
}

extension Task where Success == [String], Failure == Never {
    /// Reads lines on a thread of its own until one says "end".
    fileprivate static func detachedReader(_ descriptor: Int32) -> Task<[String], Never> {
        let (result, done) = AsyncStream.makeStream(of: [String].self)
        Thread {
            var text = ""
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while !text.hasSuffix("\nend\n") {
                let count = read(descriptor, &buffer, buffer.count)
                if count <= 0 { break }
                text += String(decoding: buffer[..<count], as: UTF8.self)
            }
            done.yield(text.split(separator: "\n").map(String.init))
            done.finish()
        }.start()
        return Task {
            for await lines in result { return lines }
            return []
        }
    }
}
