import Testing

@testable import Redis

@Suite("Values, scripts and errors")
struct ValueTests {
    @Test(
        "SHA-1 gives the published digests",
        arguments: [
            (Repeated(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (Repeated("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                Repeated("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
            ),
            (Repeated("a", 1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        ])
    func sha1(message: Repeated, digest: String) {
        let text = String(repeating: message.part, count: message.count)
        #expect(RedisScript(text).sha1 == digest)
    }

    /// A text that is written down as what it is made of.
    struct Repeated: Sendable {
        let part: String
        let count: Int

        init(_ part: String, _ count: Int = 1) {
            self.part = part
            self.count = count
        }
    }

    @Test("Replies decode to what they are, and say what they are instead")
    func decoding() throws {
        #expect(try RedisValue.bulkString(Array("12".utf8)).int() == 12)
        #expect(try RedisValue.integer(3).int() == 3)
        #expect(try RedisValue.null.intIfPresent() == nil)
        #expect(try RedisValue.null.stringIfPresent() == nil)
        #expect(try RedisValue.bulkString(Array("é".utf8)).string() == "é")
        #expect(throws: RedisError.self) { try RedisValue.bulkString([0xFF]).string() }
        #expect(throws: RedisError.self) { try RedisValue.bulkString(Array("x".utf8)).int() }
        #expect(throws: RedisError.self) { try RedisValue.null.bytes() }
        #expect(throws: RedisError.self) { try RedisValue.array([.integer(1)]).map() }
        let error = #expect(throws: RedisError.self) { try RedisValue.error("WRONGTYPE no").array() }
        #expect(error?.code == .server("WRONGTYPE"))
    }

    @Test(
        "Errors that pass are retriable", arguments: ["LOADING", "READONLY", "BUSY", "MASTERDOWN", "OOM", "MISCONF"])
    func passing(word: String) {
        let error = RedisError(reply: "\(word) for now")
        #expect(error.isRetriable && error.isUnavailable && !error.mayHaveHappened)
    }

    @Test("Errors that stay are not", arguments: ["ERR", "WRONGTYPE", "NOSCRIPT", "NOPERM", "CROSSSLOT"])
    func lasting(word: String) {
        let error = RedisError(reply: "\(word) for good")
        #expect(error.code == .server(word) && !error.isRetriable && !error.isUnavailable)
    }

    @Test("An error does not repeat the arguments that the server repeated")
    func safeToLog() {
        let error = RedisError(
            reply: "ERR unknown command 'FOO', with args beginning with: 'secret' ", location: "host:1")
        #expect(error.description == "redis host:1: ERR unknown command 'FOO'")
        #expect("\(RedisCommand("AUTH", "secret"))" == "AUTH")
    }

    @Test("A script call can be turned into one with the source")
    func scriptSource() {
        let script = RedisScript("return 1")
        let command = RedisCommand.eval(script, keys: ["k"], args: [7]).withScriptSource()
        #expect(String(decoding: command.bytes, as: UTF8.self) == "EVALreturn 11k7")
        #expect(command.lengths == [4, 8, 1, 1, 1])
    }
}
