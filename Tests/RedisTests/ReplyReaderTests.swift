import Testing

@testable import Redis

@Suite("Reading replies")
struct ReplyReaderTests {
    private func read(_ text: String, inPiecesOf size: Int) throws -> [RedisValue] {
        var reader = ReplyReader()
        var replies: [RedisValue] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            try Array(bytes[start..<min(start + size, bytes.count)]).withUnsafeBytes { try reader.feed($0) }
            while let reply = try reader.next() { replies.append(reply) }
        }
        return replies
    }

    @Test("Every kind of reply is read, however it is cut", arguments: [1, 2, 3, 7, 1000])
    func allKinds(pieceSize: Int) throws {
        let text =
            "+OK\r\n+PONG\r\n-ERR no\r\n:-42\r\n$5\r\nh\r\nlo\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n"
            + "*3\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n-ERR inner\r\n"
        #expect(
            try read(text, inPiecesOf: pieceSize) == [
                .simpleString(Array("OK".utf8)), .simpleString(Array("PONG".utf8)), .error("ERR no"), .integer(-42),
                .bulkString(Array("h\r\nlo".utf8)), .bulkString([]), .null, .null, .array([]),
                .array([.integer(1), .array([.bulkString(Array("a".utf8)), .array([])]), .error("ERR inner")]),
            ])
    }

    @Test("What is not RESP2 is an error that says so")
    func garbage() throws {
        let error = #expect(throws: RedisError.self) { try read("HTTP/1.1 400 Bad Request\r\n", inPiecesOf: 100) }
        #expect(error?.code == .protocolViolation)
        #expect(error?.description.contains("\n") == false)
    }

    @Test("A reader that ends in the middle of a reply frees what it has", arguments: ["$100\r\nabc", "*2\r\n*1\r\n"])
    func partial(text: String) throws {
        #expect(try read(text, inPiecesOf: 4).isEmpty)
    }

    @Test("Commands are formatted with their lengths, empty arguments and any bytes included")
    func formatting() {
        let command = RedisCommand("SET", "", [0, 13, 10, 255] as [UInt8], -7)
        let formatted = FormattedCommand(command)
        let bytes = formatted.withBytes { Array($0) }
        let expected =
            Array("*4\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\n".utf8) + [0, 13, 10, 255] + Array("\r\n$2\r\n-7\r\n".utf8)
        #expect(bytes == expected)
        #expect(formatted.count == expected.count)
    }
}
