import ClientSupport
import Logging
import QuartetAPI
import QuartetMigrations
import Synchronization
import Testing

@testable import QuartetService

/// Passwords that people forget to escape, in every place of a URL.
@Suite struct SecretTests {
    private static let secrets = [
        "s3cr3t", "s3cr3t@x", "x@s3cr3t", "s3cr3t/x", "x/s3cr3t", "s3cr3t:x", "x:s3cr3t", "1/s3cr3t", "s3cr3t?x",
        "x?s3cr3t", "s3cr3t#x", "x#s3cr3t", "s3cr3t%zz", "%s3cr3t", "s3cr3t,x", "x,s3cr3t", "[s3cr3t", "s3cr3t]",
        "s3cr3t x", "s3cr3t\"x", "s3cr3t&x=y", "s3cr3t\nx", "x@y/s3cr3t", "x@y:s3cr3t",
    ]

    /// It is taken or refused by its key; no error and no line of the log shows it.
    @Test(arguments: secrets)
    func nothingShowsAPassword(_ secret: String) async throws {
        let urls = [
            ("DROPSHIP_DATABASE_URL", "dropship.database.url", "postgresql://u:\(secret)@127.0.0.1:1/d"),
            ("DROPSHIP_DATABASE_URL", "dropship.database.url", "postgresql://u@x:\(secret)@127.0.0.1:1/d"),
            ("DROPSHIP_DATABASE_URL", "dropship.database.url", "host=127.0.0.1 port=1 user=u password=\(secret)"),
            ("REDIS_URL", "redis.url", "redis://u:\(secret)@127.0.0.1:1/0"),
            ("REDIS_URL", "redis.url", "redis://\(secret)@127.0.0.1:1/0"),
            ("MONGODB_URL", "mongodb.url", "mongodb://u:\(secret)@127.0.0.1:1/d"),
            ("MONGODB_URL", "mongodb.url", "mongodb://u@x:\(secret)@127.0.0.1:1/d"),
        ]
        for (name, key, url) in urls {
            let lines = Lines()
            let logger = Logger(label: "test") { _ in lines }
            let configuration = try loaded([
                name: url, "MONGODB_SERVER_SELECTION_TIMEOUT": "50ms", "REDIS_CONNECT_TIMEOUT": "500ms",
                "DB_CONNECT_TIMEOUT": "500ms",
            ])
            do {
                let clients = try StoreClients(configuration, role: "test", logger: logger)
                let probes = clients.probes(publishing: false).filter {
                    key.hasPrefix($0.store) || $0.store == "postgresql.\(key.prefix { $0 != "." })"
                }
                #expect(probes.count == 1)
                for probe in probes {
                    do {
                        try await probe.check(.after(.seconds(2)))
                    } catch {
                        expectSilence("\(error)", secret, url)
                    }
                }
                await clients.close()
            } catch let error as ConfigurationError {
                #expect(error.key == key)
                expectSilence(error.description, secret, url)
            }
            for line in lines.all { expectSilence(line, secret, url) }
        }
    }

    /// Libraries print services with all that they hold.
    @Test func aConfigurationThatIsPrintedShowsNothing() throws {
        struct Holder { let configuration: QuartetConfiguration }
        let configuration = try loaded(["REDIS_URL": "redis://u:s3cr3t@127.0.0.1:1/0", "KAFKA_PASSWORD": "s3cr3t"])
        let holder = Holder(configuration: configuration)
        var dumped = ""
        dump(holder, to: &dumped)
        for text in ["\(configuration)", "\(holder)", "\([holder])", String(reflecting: holder), dumped] {
            #expect(!text.contains("s3cr3t"))
        }
        var logger = Logger(label: "test")
        logger.logLevel = .trace
        #expect(logger.forServiceGroups.logLevel == .info)
        logger.logLevel = .error
        #expect(logger.forServiceGroups.logLevel == .error)
    }

    @Test func aPrintedURLIsOneThatProgramsTake() {
        #expect(QuartetConfiguration.url(host: "::1", port: 80) == "http://[::1]:80")
        #expect(QuartetConfiguration.url(host: "localhost", port: 80) == "http://localhost:80")
    }

    private func expectSilence(_ text: String, _ secret: String, _ url: String) {
        #expect(!text.contains("s3cr3t"), "\(url)")
    }
}

/// A log that is kept.
private final class Lines: LogHandler, Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set { lines.withLock { $0.append("\(String(describing: newValue))") } }
    }

    func log(event: LogEvent) {
        lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:]) \(event.error.map { "\($0)" } ?? "")") }
    }
}
