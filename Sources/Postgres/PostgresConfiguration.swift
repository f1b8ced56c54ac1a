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
    /// How long a statement may wait for a lock that somebody else holds; zero for as long as its deadline allows.
    package var lockTimeout: Duration = .zero
    /// Server settings of each connection, in place of which `options` in the URL may name others.
    package var settings: [(name: String, value: String)] = []
    package var pooling = PostgresPooling.auto
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
    let target: ConnectionTarget
    /// `user@host:port/database`, for people.
    package var endpoint: String { target.endpoint }

    /// Takes `postgresql://user:password@host:port/database?keyword=value` or `keyword=value ...`, as libpq does, with a
    /// socket's folder as `host`.
    ///
    /// - Throws: `configuration`; the message does not repeat the URL.
    package init(url: String) throws(PostgresError) {
        guard url.utf8.count <= 8192, !url.utf8.contains(0) else {
            throw PostgresError(.configuration, "the PostgreSQL URL is too long or holds a zero byte")
        }
        target = try ConnectionTarget(url: url)
        self.url = Secret(value: url)
    }

    /// A text that does not show when it is printed or dumped.
    struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
        let value: String
        var description: String { "<secret>" }
        var debugDescription: String { description }
        var customMirror: Mirror { Mirror(self, children: [:]) }
    }

    /// The settings that each session, or where a pool is in between each transaction, is to have.
    var sessionSettings: [(name: String, value: String)] {
        let own = lockTimeout == .zero ? [] : [(name: "lock_timeout", value: "\(lockTimeout.wholeMilliseconds)ms")]
        return (own + settings).filter { !target.options.contains($0.name) }
    }
}

/// What stands between this process and the server.
package enum PostgresPooling: String, Sendable, CaseIterable {
    /// Found out while connecting; a pool that is found is used as one in transaction mode.
    case auto
    case none
    /// A pool that keeps one server connection for each of its clients.
    case session
    /// A pool that gives the server connection to others between two transactions: nothing may be left in a session.
    case transaction
}

extension PostgresConfiguration: CustomStringConvertible {
    package var description: String {
        "\(endpoint) (\(connectionsMax) + \(sharedConnectionsMax) connections)"
    }
}
