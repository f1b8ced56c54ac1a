/// A file of SQL statements, each under a line `-- name: <name>`.
package struct SQLFile: Sendable {
    package let label: String
    /// Each statement's text without comment lines.
    package let statements: [String: String]

    /// - Throws: `PostgresStoreError` for a name that comes twice, or text that belongs to no statement.
    package init(label: String, text: String) throws {
        self.label = label
        var statements: [String: String] = [:]
        var name: String?
        var lines: [Substring] = []

        func finish() throws {
            let sql = lines.joined(separator: "\n")
            lines = []
            guard let name else {
                guard sql.isEmpty else { throw Self.error("\(label) begins with a statement that has no name") }
                return
            }
            guard !sql.isEmpty else { throw Self.error("\(label): statement \(name) is empty") }
            guard statements.updateValue(sql, forKey: name) == nil else {
                throw Self.error("\(label) has two statements named \(name)")
            }
        }

        for line in text.split(separator: "\n") {
            if line.hasPrefix("-- name: ") {
                try finish()
                name = String(line.dropFirst("-- name: ".count))
            } else if !line.drop(while: { $0 == " " }).hasPrefix("--") {
                lines.append(line)
            }
        }
        try finish()
        self.statements = statements
    }

    /// Of statements that are made in code.
    package init(label: String, statements: [String: String]) {
        self.label = label
        self.statements = statements
    }

    /// Of a file inside the program.
    package init(label: String, bytes: [UInt8]) throws {
        try self.init(label: label, text: String(decoding: bytes, as: UTF8.self))
    }

    private static func error(_ message: String) -> PostgresStoreError { PostgresStoreError(.tableMap, message) }
}
