import Foundation

/// The values that the few commands of ``MongoReplicaSet`` need.
enum MongoValue: Sendable {
    case int(Int32)
    case bool(Bool)
    case string(String)
    case document(KeyValuePairs<String, MongoValue>)
    case array([MongoValue])
}

/// As much of MongoDB's protocol as it takes to make a replica set, over a connection that needs no password. Blocks.
struct MongoSession: ~Copyable {
    /// What a reply says, where it says so.
    struct Reply: Sendable, Hashable {
        var isPrimary = false
        var code: Int32?
        var message: String?
    }

    private let connection: LoopbackConnection

    /// Nil when nothing listens.
    init?(port: UInt16) {
        guard let connection = LoopbackConnection(port: port, timeoutSeconds: 10) else { return nil }
        self.connection = connection
    }

    /// Runs a command, whose name is the first key, in the database `admin`.
    ///
    /// - Throws: `StackError` when the server does not answer; a command that it refuses gives a reply with a code.
    borrowing func run(_ command: KeyValuePairs<String, MongoValue>) throws(StackError) -> Reply {
        // OP_MSG: length, request id, response to, op code, flags; then one section of kind 0, a document.
        let sections = [0] + Self.document(command.map { ($0.key, $0.value) } + [("$db", .string("admin"))])
        let header = [Int32(sections.count + 20), 1, 0, 2013, 0].flatMap(Self.bytes)
        guard connection.send(header + sections), let head = connection.receive(21),
            let body = connection.receive(Int(Self.number(head[0..<4])) - 21)
        else { throw StackError(code: .startFailed, message: "mongod closed the connection or does not answer") }
        return Self.reply(body)
    }

    private static func document(_ fields: [(name: String, value: MongoValue)]) -> [UInt8] {
        let elements = fields.flatMap { field in
            let (type, bytes) = element(field.value)
            return [type] + Array(field.name.utf8) + [0] + bytes
        }
        return bytes(Int32(elements.count + 5)) + elements + [0]
    }

    private static func element(_ value: MongoValue) -> (type: UInt8, bytes: [UInt8]) {
        switch value {
        case .int(let number): (0x10, bytes(number))
        case .bool(let flag): (0x08, [flag ? 1 : 0])
        case .string(let text): (0x02, bytes(Int32(text.utf8.count + 1)) + Array(text.utf8) + [0])
        case .document(let fields): (0x03, document(fields.map { ($0.key, $0.value) }))
        case .array(let values): (0x04, document(values.enumerated().map { ("\($0.offset)", $0.element) }))
        }
    }

    /// Goes through the fields of a document and keeps those that ``Reply`` has.
    private static func reply(_ document: [UInt8]) -> Reply {
        var reply = Reply()
        var rest = document.dropFirst(4)
        while let type = rest.popFirst(), type != 0, let nameEnd = rest.firstIndex(of: 0) {
            let name = String(decoding: rest[..<nameEnd], as: UTF8.self)
            rest = rest[(nameEnd + 1)...]
            guard let length = length(ofType: type, rest), length <= rest.count else { break }
            let value = rest.prefix(length)
            rest = rest.dropFirst(length)
            switch (name, type) {
            case ("isWritablePrimary", 0x08): reply.isPrimary = value.first == 1
            case ("code", 0x10): reply.code = number(value)
            case ("errmsg", 0x02): reply.message = String(decoding: value.dropFirst(4).dropLast(), as: UTF8.self)
            default: break
            }
        }
        return reply
    }

    /// How many bytes a value takes; nil for types that these replies don't have.
    private static func length(ofType type: UInt8, _ bytes: ArraySlice<UInt8>) -> Int? {
        switch type {
        case 0x0a: 0
        case 0x08: 1
        case 0x10: 4
        case 0x01, 0x09, 0x11, 0x12: 8
        case 0x07: 12
        case 0x02: bytes.count < 4 ? nil : 4 + Int(number(bytes.prefix(4)))
        case 0x03, 0x04: bytes.count < 4 ? nil : Int(number(bytes.prefix(4)))
        case 0x05: bytes.count < 4 ? nil : 5 + Int(number(bytes.prefix(4)))
        default: nil
        }
    }

    private static func bytes(_ number: Int32) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int32 {
        bytes.reversed().reduce(0) { $0 << 8 | Int32($1) }
    }
}
