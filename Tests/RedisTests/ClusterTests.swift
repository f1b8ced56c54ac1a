import Testing

@testable import Redis

/// What a cluster's client goes by.
@Suite struct ClusterTests {
    @Test func slotsAreThoseOfTheSpecification() {
        #expect(RedisSlot.crc16("123456789".utf8) == 0x31C3)
        #expect(RedisSlot.of("foo") == 12_182)
        #expect(RedisSlot.of("{user1000}.following") == RedisSlot.of("user1000"))
        #expect(RedisSlot.of("a{user1000}.{b}") == RedisSlot.of("user1000"))
        // Nothing between braces, or no end of them: the whole name counts.
        #expect(RedisSlot.of("foo{}{bar}") == Int(RedisSlot.crc16("foo{}{bar}".utf8)) % RedisSlot.count)
        #expect(RedisSlot.of("foo{bar") == Int(RedisSlot.crc16("foo{bar".utf8)) % RedisSlot.count)
        #expect(RedisSlot.of("foo{{bar}}zap") == RedisSlot.of("{bar"))
    }

    @Test func eachSlotHasATag() {
        for slot in stride(from: 0, to: RedisSlot.count, by: 37) {
            #expect(RedisSlot.of("epoch:{\(RedisSlot.tag(of: slot))}") == slot)
        }
    }

    @Test func commandsAreSentByTheirFirstKey() {
        #expect(RedisCommand("GET", "foo").slot == 12_182)
        #expect(RedisCommand("MEMORY", "USAGE", "foo").slot == 12_182)
        #expect(RedisCommand.eval(RedisScript("return 1"), keys: ["foo", "{foo}2"], args: [1]).slot == 12_182)
        #expect(RedisCommand("EVAL", "return 1", 1, "foo").slot == 12_182)
        #expect(RedisCommand("EVAL", "return 1", 0).slot == nil)
        #expect(RedisCommand("PUBLISH", "foo", "x").slot == nil)
        #expect(RedisCommand("TIME").slot == nil)
        #expect(RedisCommand("TIME").beside("foo").slot == 12_182)
    }

    @Test func theMapIsReadFromWhatANodeSays() throws {
        func node(_ host: RedisValue, _ port: Int64) -> RedisValue { .array([host, .integer(port), text("id")]) }
        func text(_ text: String) -> RedisValue { .bulkString(Array(text.utf8)) }
        let reply: RedisValue = .array([
            .array([.integer(0), .integer(99), node(text("10.0.0.1"), 1), node(text("10.0.0.9"), 9)]),
            .array([.integer(100), .integer(16_383), node(.null, 2)]),
        ])
        var map = try ClusterMap(slots: reply, askedAt: "here") {
            $0.host == "10.0.0.1" ? RedisAddress(host: "outside", port: 7) : $0
        }
        let (first, second) = (RedisAddress(host: "outside", port: 7), RedisAddress(host: "here", port: 2))
        #expect(map.owner(of: 99) == first && map.owner(of: 100) == second)
        #expect(map.primaries == [first, second])
        #expect(map.members == [first, second, RedisAddress(host: "10.0.0.9", port: 9)])
        #expect(map.slotsServed == RedisSlot.count)
        map.move(0, to: second)
        #expect(map.owner(of: 0) == second && map.owner(of: 1) == first)
        for damaged: RedisValue in [
            .array([.integer(1)]), .array([.array([.integer(0), .integer(16_384), node(.null, 2)])]),
            .array([.array([.integer(5), .integer(4), node(.null, 2)])]),
            .array([.array([.integer(5), .integer(6)])]), .integer(3),
        ] {
            #expect(throws: RedisError.self) { try ClusterMap(slots: damaged, askedAt: "here") { $0 } }
        }
    }

    @Test func redirectionsAreReadFromErrors() {
        func read(_ reply: String) -> ClusterRedirection? { ClusterRedirection(RedisError(reply: reply)) }
        let address = RedisAddress(host: "127.0.0.1", port: 6381)
        #expect(read("MOVED 3999 127.0.0.1:6381") == .moved(slot: 3999, address))
        #expect(read("ASK 3999 127.0.0.1:6381") == .ask(address))
        #expect(read("MOVED 3999 ::1:6381") == .moved(slot: 3999, RedisAddress(host: "::1", port: 6381)))
        #expect(read("MOVED 3999 :6381") == .moved(slot: 3999, RedisAddress(host: "", port: 6381)))
        #expect(read("TRYAGAIN Multiple keys request during rehashing of slot") == .tryAgain)
        for other in [
            "MOVED 3999", "MOVED x y:1", "MOVED 1 host:port", "CLUSTERDOWN Hash slot not served", "ERR MOVED 1 a:1",
        ] {
            #expect(read(other) == nil)
        }
        #expect(RedisAddress("[::1]:7") == RedisAddress(host: "::1", port: 7))
    }

    @Test func aURLNamesSeveralNodes() throws {
        let configuration = try RedisConfiguration(url: "redis://u:p@a:1,[::1]:2,c/0")
        #expect(configuration.host == "a" && configuration.port == 1)
        #expect(
            configuration.cluster?.otherNodes == [
                RedisAddress(host: "::1", port: 2), RedisAddress(host: "c", port: 6379),
            ])
        #expect(try RedisConfiguration(url: "redis://a").cluster == nil)
    }
}
