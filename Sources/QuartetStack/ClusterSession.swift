/// As much of PostgreSQL's protocol as it takes to ask whether a server serves and to make databases in it, over a
/// connection that needs no password. Blocks.
struct ClusterSession: ~Copyable {
    private let connection: LoopbackConnection

    /// - Throws: `StackError` when nothing listens, or the server does not accept sessions (yet).
    static func open(
        port: UInt16, user: String, database: String, timeoutSeconds: Int = 1
    ) throws(StackError) -> ClusterSession {
        guard let connection = LoopbackConnection(port: port, timeoutSeconds: timeoutSeconds) else {
            throw StackError(code: .startFailed, message: "nothing listens on port \(port)")
        }
        let session = ClusterSession(connection: connection)
        let protocolVersion: UInt32 = 3 << 16
        var body = bytes(of: protocolVersion)
        for text in ["user", user, "database", database] { body += Array(text.utf8) + [0] }
        body.append(0)
        try session.send(bytes(of: UInt32(body.count + 4)) + body)
        try session.skipToReady { _ in }
        return session
    }

    private init(connection: consuming LoopbackConnection) {
        self.connection = connection
    }

    /// Runs one statement and returns the first column of its rows.
    borrowing func firstColumn(of statement: String) throws(StackError) -> [String] {
        let body = Array(statement.utf8) + [0]
        try send([UInt8(ascii: "Q")] + Self.bytes(of: UInt32(body.count + 4)) + body)
        var values: [String] = []
        try skipToReady { row in
            // A count of columns in two bytes, then the first one's length in four.
            guard row.count >= 6 else { return }
            let length = Int(Int32(truncatingIfNeeded: Self.number(row[2..<6])))
            guard length >= 0, row.count >= 6 + length else { return }
            values.append(String(decoding: row[6..<(6 + length)], as: UTF8.self))
        }
        return values
    }

    /// Reads until the server waits for the next statement; hands over the rows on the way.
    private borrowing func skipToReady(_ row: ([UInt8]) -> Void) throws(StackError) {
        while true {
            guard let head = connection.receive(5), let body = connection.receive(Int(Self.number(head[1..<5])) - 4)
            else {
                throw StackError(code: .startFailed, message: "postgres closed the connection or does not answer")
            }
            switch head[0] {
            case UInt8(ascii: "Z"): return
            case UInt8(ascii: "D"): row(body)
            case UInt8(ascii: "E"): throw StackError(code: .startFailed, message: "postgres: \(Self.message(body))")
            default: break
            }
        }
    }

    private borrowing func send(_ bytes: [UInt8]) throws(StackError) {
        guard connection.send(bytes) else {
            throw StackError(code: .startFailed, message: "postgres closed the connection")
        }
    }

    /// An error's fields are a letter, a text and a zero each; `M` is the message.
    private static func message(_ body: [UInt8]) -> String {
        let fields = body.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return fields.first { $0.hasPrefix("M") }.map { String($0.dropFirst()) } ?? "unknown error"
    }

    private static func bytes(of number: UInt32) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
