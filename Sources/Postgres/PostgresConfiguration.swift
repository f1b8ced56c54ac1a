import CLibPQ
package import ClientSupport

/// Where the server is and how much of it this process uses.
package struct PostgresConfiguration: Sendable {
    /// What the server calls this process in `pg_stat_activity`.
    package var applicationName = "quartet"
    package var connectTimeout: Duration = .seconds(5)
    /// The deadline of a call that names none.
    package var statementTimeout: Duration = .seconds(30)
    /// How long a cancelled statement may take to answer before its connection is given up.
    package var cancellationGrace: Duration = .seconds(2)
    /// Connections for transactions, sessions, streams and copies, each used by one caller at a time.
    package var connectionsMax = 8
    /// Connections on which single statements of many callers travel together.
    package var sharedConnectionsMax = 2
    /// Callers that may wait for a connection, and statements that may wait on a shared one.
    package var waitingMax = 4096
    /// Prepared statements per connection.
    package var statementCacheSize = 256
    /// Notifications that may wait for a slow listener before it is told that it missed some.
    package var notificationsWaitingMax = 1024
    package var backoff = Backoff()

    let url: Secret
    /// `user@host:port/database`, for people.
    package let endpoint: String

    /// Takes `postgresql://user:password@host:port/database?keyword=value` or `keyword=value ...`, as libpq does, with a
    /// socket's folder as `host`.
    ///
    /// - Throws: `configuration`; the message does not repeat the URL.
    package init(url: String) throws(PostgresError) {
        guard url.utf8.count <= 8192, !url.utf8.contains(0) else {
            throw PostgresError(.configuration, "the PostgreSQL URL is too long or holds a zero byte")
        }
        endpoint = try Self.parseEndpoint(url)
        self.url = Secret(value: url)
    }

    /// A text that does not show when it is printed or dumped.
    struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
        let value: String
        var description: String { "<secret>" }
        var debugDescription: String { description }
        var customMirror: Mirror { Mirror(self, children: [:]) }
    }

    private static func parseEndpoint(_ url: String) throws(PostgresError) -> String {
        var complaint: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &complaint) else {
            defer { PQfreemem(complaint) }
            // What libpq quotes may be the password.
            let text = complaint.map { String(cString: $0) } ?? "out of memory"
            let unquoted = text.prefix { $0 != "\"" && !$0.isNewline }
            throw PostgresError(.configuration, "the PostgreSQL URL is not valid: \(unquoted)...")
        }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        let user = values["user"].map { "\($0)@" } ?? ""
        let host = values["host"] ?? values["hostaddr"] ?? "localhost"
        return "\(user)\(host):\(values["port"] ?? "5432")/\(values["dbname"] ?? "")"
    }
}

extension PostgresConfiguration: CustomStringConvertible {
    package var description: String {
        "\(endpoint) (\(connectionsMax) + \(sharedConnectionsMax) connections)"
    }
}
