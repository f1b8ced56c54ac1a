/// One step of a schema. Its SQL names tables by placeholder: `{products}`.
package struct Migration: Sendable, Hashable {
    /// A step of a history that a database had before each service had its own.
    package struct Former: Sendable, Hashable {
        package let history: String
        package let version: Int
    }

    /// 1 for a history's first, then one more each time.
    package let version: Int
    package let name: String
    package let sql: String
    /// Steps of older builds: where one of these was applied, so was this.
    package let formers: [Former]

    package init(version: Int, name: String, sql: String, formers: [Former] = []) {
        self.version = version
        self.name = name
        self.sql = sql
        self.formers = formers
    }

    /// Of a file inside the program.
    ///
    /// - Parameter formers: as `dropship/5`.
    package init(_ version: Int, _ name: String, _ bytes: [UInt8], formers: [(history: String, version: Int)] = []) {
        self.init(
            version: version, name: name, sql: String(decoding: bytes, as: UTF8.self),
            formers: formers.map { Former(history: $0.history, version: $0.version) })
    }

    /// 16 hexadecimal digits over the file's bytes: tells an edited file from the one that was applied.
    ///
    /// It guards against mistakes, not against malice, so FNV-1a is enough.
    package var checksum: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in sql.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
