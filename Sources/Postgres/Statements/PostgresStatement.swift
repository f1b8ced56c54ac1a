/// One SQL statement with its parameters, already in the form in which they travel.
package struct PostgresStatement: Sendable {
    /// The text, with `$1`, `$2` ... where the parameters go. It is what a connection's prepared statements are kept by:
    /// values belong into parameters.
    package let sql: String
    /// What the statement is called in errors and logs; empty if it has no name.
    package let name: String
    package let parameters: PostgresParameters

    package init<each Parameter: PostgresEncodable>(
        _ sql: String, name: String = "", _ parameter: repeat each Parameter
    ) {
        var parameters = PostgresParameters()
        repeat parameters.append(each parameter)
        self.init(sql, name: name, parameters: parameters)
    }

    package init(_ sql: String, name: String = "", parameters: PostgresParameters) {
        self.sql = sql
        self.name = name
        self.parameters = parameters
    }
}

/// Parameters in their binary form, one after the other in one buffer, so that encoding happens with the caller and the
/// connection's thread only hands out pointers.
package struct PostgresParameters: Sendable {
    /// What the protocol allows.
    static let countMax = 65_535

    private(set) var types: [UInt32] = []
    /// Bytes of each parameter; -1 for NULL.
    private(set) var lengths: [Int32] = []
    private(set) var bytes: [UInt8] = []

    package init() {}

    package var count: Int { types.count }

    package mutating func append<Value: PostgresEncodable>(_ value: Value) {
        types.append(Value.postgresType.rawValue)
        guard !value.isPostgresNull else {
            lengths.append(-1)
            return
        }
        let start = bytes.count
        value.encode(into: &bytes)
        lengths.append(Int32(clamping: bytes.count - start))
    }

    /// Why the server can't be sent this, if so.
    var problem: String? {
        if count > Self.countMax { return "\(count) parameters, at most \(Self.countMax) are possible" }
        // A message's length is a signed number of four bytes.
        if bytes.count > 1_000_000_000 {
            return "\(bytes.count) bytes of parameters, at most 1,000,000,000 are possible"
        }
        return nil
    }
}
