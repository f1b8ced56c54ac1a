package import ClientSupport

/// Where the database is and how to use it. Its description leaves credentials out.
package struct MongoConfiguration: Sendable, CustomStringConvertible {
    /// A connection string as MongoDB defines it; options in it win over the properties below.
    let url: String
    /// What `collection(_:)` and `runCommand(_:)` use where they name none.
    package var database: String
    package var applicationName = "quartet"
    /// Connections for operations.
    package var connectionsMax = 8
    /// Connections beside those, one for each change stream that is read.
    package var changeStreamsMax = 4
    /// How many callers may wait for a connection.
    package var waitingMax = 4096
    package var connectTimeout: Duration = .seconds(5)
    /// How long a call looks for a server that can take it.
    package var serverSelectionTimeout: Duration = .seconds(3)
    /// The deadline of a call that names none.
    package var operationTimeout: Duration = .seconds(30)
    /// How long a connection may go without a byte while it is waited for; at least as long as any deadline.
    package var socketTimeout: Duration = .seconds(60)
    /// How long a cancelled operation may take to answer before its caller goes on without it. After a deadline the caller
    /// goes on soon, and the server has half of it to mind the deadline before it is told to end the operation.
    package var cancellationGrace: Duration = .seconds(2)
    package var backoff = Backoff()

    private let hosts: String

    /// - Parameters:
    ///   - url: mongodb://user:password@host:port,host2:port2/database?replicaSet=rs0&tls=true
    ///   - database: instead of the one in the url's path; "test" if neither names one.
    /// - Throws: a `.configuration` error if the url is no connection string.
    package init(url: String, database: String? = nil) throws(MongoError) {
        let parsed = try ConnectionString(url)
        self.url = url
        self.database = database ?? parsed.database ?? "test"
        hosts = parsed.hosts.joined(separator: ",")
    }

    package var description: String { "mongodb://\(hosts)/\(database)" }
}
