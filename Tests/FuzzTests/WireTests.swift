import Foundation
import QuartetTesting
import Synchronization
import Testing

@testable import Postgres
@testable import QuartetCore
@testable import QuartetStores
@testable import RabbitMQ
@testable import Redis

/// What comes over the wires of servers whose clients are ours: AMQP, PostgreSQL's values, a cluster's slots.
@Suite("Fuzzing what comes over wires", .ownThread)
struct WireTests {
    // MARK: RabbitMQ

    /// Headers of each kind, a table and a list among them, and properties that nobody asked for.
    private static let properties: [[UInt8]] = [[0, 0], [0x20, 0] + table([text]), everything]

    private static let text = field("ce_id", "S", Wire.long("3-77-1"))
    private static let fields: [[UInt8]] = [
        text, field("t", "t", [1]), field("b", "b", [0x80]), field("I", "I", [0x80, 0, 0, 0]),
        field("l", "l", Wire.number(Int64.min)), field("d", "d", Wire.number(Double.nan.bitPattern)),
        field("F", "F", table([field("in", "V", [])])), field("A", "A", [0, 0, 0, 0]),
        field("x", "x", Wire.long("\u{0}é")),
    ]
    private static let everything: [UInt8] = {
        let parts: [[UInt8]] = [
            [0xFF, 0xFC], Wire.short("application/json"), Wire.short("gzip"), table(fields), [2, 0],
            Wire.short("correlation"), Wire.short("reply"), Wire.short("1000"), Wire.short("id"),
            Wire.number(UInt64.max), Wire.short("type"), Wire.short("user"), Wire.short("app"), Wire.short(""),
        ]
        return Array(parts.joined())
    }()

    private static func field(_ name: String, _ kind: Unicode.Scalar, _ value: [UInt8]) -> [UInt8] {
        Wire.short(name) + [UInt8(ascii: kind)] + value
    }

    private static func table(_ fields: [[UInt8]]) -> [UInt8] {
        let bytes = Array(fields.joined())
        return Wire.number(UInt32(bytes.count)) + bytes
    }

    /// What is behind a header frame's class and weight: how long the body is, and the properties.
    private static let headers = properties.map { Wire.number(UInt64(3)) + $0 }
    private static let streams = headers.map {
        Wire.handshake + Wire.deliver + Wire.frame(2, 1, [0, 60, 0, 0] + $0) + Wire.body(3)
    }

    @Test("a delivery comes whole, or ends its connection", arguments: [true, false])
    func deliveries(isFramed: Bool) async throws {
        let corpus = isFramed ? Self.headers : Self.streams
        let said = Said()
        let next: @Sendable () -> [UInt8] = { said.bytes.withLock { $0 } }
        try await HostileServer.with(sayingNext: next, endsThere: true) { port in
            var configuration = RabbitConfiguration(port: port)
            configuration.messageBytesMax = 100_000
            // Each takes a connection.
            let count = Fuzz.count / 4
            try Fuzz.run(
                "amqp-\(isFramed)", corpus: corpus, words: ["\u{1}tS", "\u{1}tF", "\u{1}tA", "\u{1}tD", "\u{1}tT"],
                count: count
            ) { bytes in
                let header = Wire.frame(2, 1, [0, 60, 0, 0] + bytes)
                said.bytes.withLock { $0 = isFramed ? Wire.handshake + Wire.deliver + header + Wire.body(3) : bytes }
                do {
                    var handle = try ConnectionHandle.open(configuration)
                    guard case .delivery(_, let headers, let body) = try handle.restOfMessage() else { return }
                    try Fuzz.expect(body.count <= configuration.messageBytesMax, "a body of \(body.count) bytes")
                    try Fuzz.expect(headers.count <= 131_072 / 2, "\(headers.count) headers in one frame")
                } catch let error as RabbitError {
                    try Fuzz.expect(!error.description.contains("\n"), error.description)
                    try Fuzz.expect(!corpus.contains(bytes), "a good one was refused: \(error)")
                }
            }
        }
    }

    // MARK: PostgreSQL

    /// The type's number, then the value in its binary form.
    private static func cell(_ value: some PostgresEncodable) -> [UInt8] {
        var bytes = Wire.number(type(of: value).postgresType.rawValue)
        value.encode(into: &bytes)
        return bytes
    }

    private static let cells: [[UInt8]] = [
        cell(true), cell(Int.min), cell(Int32(-1)), cell(Int16(7)), cell(UInt64.max), cell(-0.5), cell(Float.infinity),
        cell("정말"), cell(UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))), cell(Date()),
        cell(PostgresJSON(#"{"a": [1]}"#)), cell([UInt8](1...9)), cell([1, 2, 3]), cell(["a", nil, "b"]),
        cell([[UInt8]]([[1], [2, 3]])), cell([String]()), cell([true, false]), cell([0.5, nil]),
    ]

    @Test("a value is read as what it is, or not at all")
    func values() throws {
        try Fuzz.run("values", corpus: Self.cells) { bytes in
            guard bytes.count >= 4 else { return }
            let number = bytes[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let (type, value) = (PostgresType(rawValue: number), Array(bytes[4...]))
            try Self.read(Bool.self, value, type)
            try Self.read(Int.self, value, type)
            try Self.read(Int16.self, value, type)
            try Self.read(UInt64.self, value, type)
            try Self.read(Double.self, value, type)
            try Self.read(String.self, value, type)
            try Self.read(UUID.self, value, type)
            try Self.read(PostgresJSON.self, value, type)
            try Self.read([UInt8].self, value, type)
            try Self.read([Int64?].self, value, type)
            try Self.read([String?].self, value, type)
            try Self.read([[UInt8]].self, value, type)
            // Fractions of a second are not all kept.
            if let date = try? Date.decode(value.span.bytes, type: type) { _ = InternetTime(date).text }
        }
    }

    /// What is read is read again when it is written.
    private static func read<Value: PostgresDecodable & PostgresEncodable & Equatable>(
        _ wanted: Value.Type, _ value: [UInt8], _ type: PostgresType
    ) throws {
        guard let read = try? Value.decode(value.span.bytes, type: type) else {
            let isGood = type == Value.postgresType && cells.contains(Wire.number(type.rawValue) + value)
            return try Fuzz.expect(!isGood, "a good \(type) is not read as \(wanted)")
        }
        var written: [UInt8] = []
        read.encode(into: &written)
        let again = try? Value.decode(written.span.bytes, type: Value.postgresType)
        // What is no number is equal to nothing.
        try Fuzz.expect(again == read || again.map { "\($0)" } == "\(read)", "another value the second time: \(read)")
    }

    @Test("where a relay is, is read or refused")
    func outboxContexts() throws {
        let corpus = [
            "795:799:795,797 799\n0 12 1 9 12 800 {795,797} {0,3} 5\n1 0 1 0 0 0 {} {} 0", "1:1: 1",
            "7:8:7 9000000000000",
        ].map { Array($0.utf8) }
        try Fuzz.run("outbox", corpus: corpus, words: ["18446744073709551615", "{1}", " ", ":"]) { bytes in
            do {
                let context = try StoredOutboxContext(text: String(decoding: bytes, as: UTF8.self))
                try Fuzz.expect(context.snapshot.inFlight.count < 10_000, "more transactions than are remembered")
                for (_, cursor) in context.cursors { _ = cursor.wants(transaction: .max, id: .max) }
            } catch let error as Fuzz.Wrong {
                throw error
            } catch {
                try Fuzz.expect(!"\(error)".isEmpty && !corpus.contains(bytes), "\(error)")
            }
        }
    }

    // MARK: Redis Cluster

    @Test("slots are given to nodes, or the map is refused")
    func slots() throws {
        let node = "*3\r\n$9\r\n127.0.0.1\r\n:7001\r\n$2\r\nid\r\n"
        let corpus = [
            "*2\r\n*3\r\n:0\r\n:8191\r\n\(node)*4\r\n:8192\r\n:16383\r\n\(node)*2\r\n$1\r\n?\r\n:7002\r\n",
            "*1\r\n*3\r\n:5\r\n:5\r\n*4\r\n$-1\r\n:1\r\n$1\r\na\r\n*2\r\n$8\r\nhostname\r\n$1\r\nh\r\n", "*0\r\n",
            "-MOVED 3999 127.0.0.1:6381\r\n", "-ASK 16383 [::1]:1\r\n", "-TRYAGAIN later\r\n", "-MOVED 1 :2\r\n",
        ].map { Array($0.utf8) }
        try Fuzz.run("slots", corpus: corpus, words: [":16384\r\n", ":-1\r\n", "*1\r\n", "$-1\r\n", "MOVED "]) {
            bytes in
            do {
                var reader = ReplyReader()
                try bytes.withUnsafeBytes { try reader.feed($0) }
                while let reply = try reader.next() { try Self.use(reply) }
            } catch let error as RedisError {
                try Fuzz.expect(!error.description.contains("\n"), error.description)
            }
        }
    }

    private static func use(_ reply: RedisValue) throws {
        if case .error(let text) = reply {
            let word = text.prefix { $0 != " " }
            let error = RedisError(.server(String(word)), text)
            guard case .moved(let slot, let address)? = ClusterRedirection(error) else { return }
            var map = try ClusterMap(slots: .array([]), askedAt: "h") { $0 }
            map.move(slot, to: address)
            if (0..<RedisSlot.count).contains(slot) { try Fuzz.expect(map.owner(of: slot) == address, "not moved") }
            return
        }
        let map = try ClusterMap(slots: reply, askedAt: "h") { $0 }
        for address in map.members {
            try Fuzz.expect((1...65_535).contains(address.port) && !address.host.isEmpty, "a node at \(address)")
        }
        let served = (0..<RedisSlot.count).count { map.owner(of: $0) != nil }
        try Fuzz.expect(served == map.slotsServed, "\(served) slots are served, not \(map.slotsServed)")
    }
}

/// What the server says to the next who comes.
private final class Said: Sendable {
    let bytes = Mutex<[UInt8]>([])
}
