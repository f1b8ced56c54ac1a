import ClientSupport
package import My
package import Postgres
package import QuartetAPI
package import QuartetCore
package import QuartetDatabases
package import QuartetEmotion
package import QuartetRoles
package import QuartetStores
package import ServiceSupport

/// Everything that can be configured, with its default. Read by ``load(path:environment:)``.
package struct QuartetConfiguration: Sendable {
    package var logLevel = LogLevel.info
    package var databases = DatabasesConfiguration()
    package var tables = HouseServices.tables
    /// Of the services that have connections of their own, by their names.
    package var services: [String: ServiceSettings] = [:]
    package var redis = RedisSettings()
    package var mongo = MongoSettings()
    package var kafka = KafkaSettings()
    package var rabbit = RabbitSettings()
    /// Which bus each topic's events go over.
    package var routes = EventRoutes()
    package var api = APIConfiguration(key: "")
    /// Where the command-line clients find the API.
    package var apiURL = "http://127.0.0.1:8080"
    package var metrics = MetricsSettings()
    /// How long roles may take to stop; then the process ends as it is. Shorter than a supervisor waits before SIGKILL.
    package var shutdownTimeout: Duration = .seconds(25)
    package var worker = WorkerConfiguration()
    package var relay = RelayConfiguration()
    package var events = EventConsumerConfiguration()
    package var redrive = RedriveConfiguration()
    package var project = ProjectSettings()
    package var orders = OrderSettings()
    package var watches = WatchNotesConfiguration()
    package var aging = AgingConfiguration()
    package var check = CheckConfiguration()
    package var sync = SyncConfiguration()
    package var outboxShards = 8
    package var emotion = EmotionSettings()

    package init() {}

    /// Where people find what listens at `host`, as any program takes it.
    package static func url(host: String, port: Int) -> String {
        host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
    }
}

/// Where `/healthz`, `/readyz` and `/metrics` of a process are served beside what its roles serve.
package struct MetricsSettings: Sendable {
    /// Empty for nowhere.
    package var host = ""
    /// 0 takes a free one.
    package var port = 9464

    package init() {}
}

/// Which read models the role `project` keeps, and how often it tells how they stand.
package struct ProjectSettings: Sendable {
    /// Their names; empty for all.
    package var projections: [String] = []
    package var metricsInterval: Duration = .seconds(30)
    /// Rows that are copied together.
    package var rowsPerPage = 20_000

    package init() {}
}

/// How orders come in from outside.
package struct OrderSettings: Sendable {
    /// Of the topic, where `migrate` makes it.
    package var partitions = 9
    /// Members of the group in each process of the role `project`.
    package var consumers = 9

    package init() {}
}

package enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}

package enum AnalyzerKind: String, Sendable, CaseIterable {
    case model, lexicon, http
}

/// What makes the cards.
package struct EmotionSettings: Sendable {
    package var analyzer = AnalyzerKind.model
    /// A model file; empty for the model inside the program.
    package var modelPath = ""
    /// A model server's; required for the analyser `http`.
    package var url = ""
    /// Secret.
    package var token = ""
    package var http = HTTPAnalyzerConfiguration()

    package init() {}
}

/// How URLs of databases are formed where none is given.
package enum DatabaseType: String, Sendable, CaseIterable {
    /// A server of one's own.
    case local
    /// Supabase, directly or through its shared pooler, for which the user carries the project: TLS is required.
    case supabase
    /// Amazon RDS: TLS is required.
    case rds
}

/// What one database has otherwise than the others; nil where it is as they are.
package struct DatabaseSettings: Sendable {
    /// Empty where it is formed. Secret.
    package var url = ""
    /// Whose rights its sessions have, in place of the user's who signs in.
    package var role = ""
    package var connectionsMax: Int?
    package var connectTimeout: Duration?
    package var statementTimeout: Duration?
    package var lockTimeout: Duration?

    package init() {}
}

/// The connections that one service has of its own, in each process.
package struct ServiceSettings: Sendable, Hashable {
    package var connectionsMax = 4
    /// Whose rights its sessions have; `quartet migrate` makes it the owner of the service's schema. Empty for the database's.
    package var role = ""

    package init() {}
}

/// The physical databases.
package struct DatabasesConfiguration: Sendable {
    package var names = DatabaseName.usual
    package var type = DatabaseType.local
    /// Empty for the one that the type has.
    package var host = ""
    package var port = 5432
    /// Empty for the one that the type has.
    package var user = ""
    /// Secret.
    package var password = ""
    /// Supabase's project reference.
    package var project = ""
    package var settings: [DatabaseName: DatabaseSettings] = [:]
    package var connectionsMax = 8
    package var connectTimeout: Duration = .seconds(5)
    package var statementTimeout: Duration = .seconds(30)
    /// How long a statement may wait for a lock that somebody else holds.
    package var lockTimeout: Duration = .milliseconds(500)
    package var pooling = PostgresPooling.auto

    package init() {}

    /// What is between this process and the database `name`. Supabase's shared pooler tells its mode by the port.
    package func pooling(of name: DatabaseName) -> PostgresPooling {
        let isFormed = settings[name]?.url.isEmpty ?? true
        guard pooling == .auto, isFormed, isSharedPooler, port == 5432 else { return pooling }
        return .session
    }

    /// The URL of the database `name`: the given one, or the one that the type forms.
    package func url(of name: DatabaseName) -> String {
        if let url = settings[name]?.url, !url.isEmpty { return url }
        let own = user.isEmpty ? (type == .local ? "quartet" : "postgres") : user
        // Whose user has it already is as Supabase's pages show it.
        let account = isSharedPooler && !own.hasSuffix(".\(project)") ? "\(own).\(project)" : own
        let credentials = Self.escaped(account) + (password.isEmpty ? "" : ":" + Self.escaped(password))
        let database = type == .supabase ? "postgres" : name.rawValue
        let suffix = type == .local ? "" : "?sslmode=require"
        return "postgresql://\(credentials)@\(hostInURL):\(port)/\(database)\(suffix)"
    }

    private var effectiveHost: String {
        guard host.isEmpty else { return host }
        return type == .supabase ? directHost : "127.0.0.1"
    }

    private var directHost: String { "db.\(project).supabase.co" }

    private var isSharedPooler: Bool { type == .supabase && effectiveHost != directHost }

    /// A folder is where the server's socket is; an IPv6 address has colons of its own.
    private var hostInURL: String {
        let host = effectiveHost
        if host.hasPrefix("/") { return Self.escaped(host) }
        let isAddress = host.count { $0 == ":" } > 1 && !host.hasPrefix("[") && !host.contains(",")
        return isAddress ? "[\(host)]" : host
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}

package struct RedisSettings: Sendable {
    /// Secret.
    package var url = "redis://127.0.0.1:6379/0"
    /// Whether the URL names nodes of a cluster.
    package var isCluster = false
    /// `announced=reachable`, separated by commas: where nodes can be reached that announce an address at which they can't.
    package var clusterAddresses = ""
    /// Before every key and channel.
    package var prefix = ""
    package var connectTimeout: Duration = .seconds(2)
    package var commandTimeout: Duration = .seconds(2)
    package var progressTTL: Duration = .seconds(3600)
    /// With rediss.
    package var files = TLSFiles()
    package var cache = RedisCacheConfiguration()

    package init() {}
}

package struct MongoSettings: Sendable {
    /// Secret.
    package var url = "mongodb://127.0.0.1:27017/quartet"
    package var connectionsMax = 16
    package var serverSelectionTimeout: Duration = .seconds(3)
    package var operationTimeout: Duration = .seconds(30)

    package init() {}
}

package struct KafkaSettings: Sendable {
    /// host:port, separated by commas.
    package var brokers = "127.0.0.1:9092"
    /// Before the names of topics and groups, so that deployments may share a cluster.
    package var prefix = ""
    /// Before the name of each role's consumer group.
    package var groupPrefix = "quartet"
    package var linger: Duration = .milliseconds(1)
    package var deliveryTimeout: Duration = .seconds(30)
    package var sessionTimeout: Duration = .seconds(6)
    package var fetchWait: Duration = .milliseconds(500)
    /// Of each topic that `migrate` makes; 0 leaves topics to others, or to their first use.
    package var topicPartitions = 6
    /// How many brokers have each record; 0 leaves it to the cluster.
    package var topicReplicas = 0
    package var topicRetention: Duration = .seconds(7 * 86_400)
    /// `none`, `tls`, `sasl_plain` or `sasl_tls`.
    package var security = KafkaSecurity.none
    /// How a password is shown, with `sasl_plain` and `sasl_tls`.
    package var mechanism = KafkaMechanism.scramSHA256
    package var username = ""
    /// Secret.
    package var password = ""
    /// Files in PEM format, with `tls` and `sasl_tls`: whom to trust in place of the system's authorities, and this client's
    /// own certificate with its key.
    package var authorityFile = ""
    package var certificateFile = ""
    package var keyFile = ""

    package init() {}

    package var naming: EventNaming { EventNaming(prefix: prefix) }

    /// The consumer group of a role.
    package func group(of consumer: String) -> String { "\(prefix)\(groupPrefix).\(consumer)" }

    /// librdkafka's own names for how the connection is secured.
    package var securityProperties: [String: String] {
        var properties: [String: String] = [:]
        switch security {
        case .none: return [:]
        case .tls: properties["security.protocol"] = "ssl"
        case .saslPlain: properties["security.protocol"] = "sasl_plaintext"
        case .saslTLS: properties["security.protocol"] = "sasl_ssl"
        }
        if security != .tls {
            properties["sasl.mechanism"] = mechanism.rawValue.uppercased()
            properties["sasl.username"] = username
            properties["sasl.password"] = password
        }
        if security != .saslPlain {
            properties["ssl.ca.location"] = authorityFile
            properties["ssl.certificate.location"] = certificateFile
            properties["ssl.key.location"] = keyFile
        }
        return properties.filter { !$0.value.isEmpty }
    }
}

package enum KafkaMechanism: String, Sendable, CaseIterable {
    case plain
    case scramSHA256 = "scram-sha-256"
    case scramSHA512 = "scram-sha-512"
}

package enum KafkaSecurity: String, Sendable, CaseIterable {
    case none
    case tls
    case saslPlain = "sasl_plain"
    case saslTLS = "sasl_tls"
}

/// It holds secrets: whoever prints it, or what it is part of, shows none.
extension QuartetConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<configuration>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
