import ClientSupport
import Foundation
import QuartetTesting
import Testing

@testable import Postgres
@testable import QuartetStack

/// URLs with more than one address, and what is done when one of them does not serve.
@Suite struct AddressTests {
    private let port = PostgresStatement("SELECT inet_server_port()")

    @Test func aSilentFirstHostLeavesTimeForTheSecond() async throws {
        let server = try await TestServer.shared
        try await SilentListener.with { silent in
            let client = try connect("postgres:right@127.0.0.1:\(silent),127.0.0.1:\(server.server.port)", .seconds(8))
            #expect(try await client.query(port).count == 1)
            // From then on the one that serves comes first.
            let again = ContinuousClock.now
            try await client.withSession { _ = try await $0.query(port) }
            #expect(ContinuousClock.now - again < .milliseconds(3900), "shorter than the first host's share")
            await client.close()
        }
    }

    @Test func aRefusingFirstHostIsPassedBy() async throws {
        let server = try await TestServer.shared
        let client = try connect("postgres:right@127.0.0.1:1,127.0.0.1:\(server.server.port)", .seconds(5))
        #expect(try await client.query(port).count == 1)
        await client.close()
    }

    @Test func whereNoneServesEachIsNamed() async throws {
        let client = try connect("postgres:hidden@127.0.0.1:1,127.0.0.2:2", .seconds(2))
        let error = try await failure { try await client.query(port) }
        #expect(error.isRetriable && error.isUnavailable)
        #expect(error.description.contains("port 1 ") && error.description.contains("port 2 "))
        #expect(!error.description.contains("hidden"))
        await client.close()
    }

    @Test func aServerThatTakesNoWritesIsLeft() async throws {
        try await TestServer.withOwn { first in
            try await TestServer.withOwn { second in
                for server in [first, second] {
                    try await withClient(on: server) { try await $0.execute(script: "CREATE TABLE t (n int)") }
                }
                let hosts = [first, second].map { "127.0.0.1:\($0.server.port)" }.joined(separator: ",")
                let client = try connect("postgres:right@\(hosts)", .seconds(5))
                let write = PostgresStatement("INSERT INTO t VALUES (1) RETURNING inet_server_port()")
                func written() async throws -> Int { try await client.query(write).single().decode(0) }
                #expect(try await written() == Int(first.server.port))

                // As a failover does whose old primary stays up, or a cloud that has run out of disk.
                try await withClient(on: first) { owner in
                    try await owner.execute(script: "ALTER SYSTEM SET default_transaction_read_only = on")
                    _ = try await owner.query(PostgresStatement("SELECT pg_reload_conf()"))
                }
                // Nothing fails meanwhile: what the first one refuses is sent again elsewhere.
                try await eventually { try await written() == Int(second.server.port) }
                try await client.transaction { session in
                    let place: Int = try await session.query(write).single().decode(0)
                    #expect(place == Int(second.server.port))
                }
                await client.close()

                let any = try connect("postgres:right@\(hosts)", .seconds(5), "?target_session_attrs=read-only")
                let place: Int = try await any.query(port).single().decode(0)
                #expect(place == Int(first.server.port))
                await any.close()
                let standby = try connect(
                    "postgres:right@\(hosts)", .seconds(5), "?target_session_attrs=prefer-standby")
                #expect(try await standby.query(port).count == 1)
                await standby.close()
            }
        }
    }

    @Test func theTimeOfAnAddressIsTheURLsOrItsShare() throws {
        let plain = try ConnectionTarget(url: "postgresql://a,b,c/d")
        #expect(AddressBook.timeout(of: plain, count: 3, whole: .seconds(6)) == .seconds(2))
        #expect(AddressBook.timeout(of: plain, count: 60, whole: .seconds(6)) == .seconds(1))
        #expect(AddressBook.timeout(of: plain, count: 1, whole: .seconds(6)) == .seconds(6))
        let own = try ConnectionTarget(url: "postgresql://a,b/d?connect_timeout=3")
        #expect(AddressBook.timeout(of: own, count: 2, whole: .seconds(6)) == .seconds(3))
    }

    private func connect(_ place: String, _ timeout: Duration, _ query: String = "") throws -> PostgresClient {
        let parameters = query.isEmpty ? "?sslmode=disable" : query + "&sslmode=disable"
        var configuration = try PostgresConfiguration(url: "postgresql://\(place)/postgres\(parameters)")
        configuration.connectTimeout = timeout
        return PostgresClient(configuration, logger: quiet)
    }
}

/// What psql takes works or is refused, and nothing of a password shows.
@Suite struct URLTests {
    @Test(arguments: [
        "postgresql://u@x:s3cret@h/d", "postgresql://u:s3cr@et@h/d", "postgresql://u:s3/cret@h/d",
        "postgresql://u:12/s3cret@h/d", "postgresql://u:s3cret@h:port/d", "postgresql://u:%s3cret@h/d",
        "postgresql://u:s3cret@[h/d", "postgresql://u:s3cret@h/d?nonsense=1", "postgresql://u:s3cret@h:1,h:2/d?port=x",
        "host=a,b port=1,2,3 password=s3cret", "host=h port=s3cret", "postgresql://u:s3cret@h:70000/d",
        "user=u password='s3cret", "postgresql://u@[::1]:s3cret/d",
    ])
    func whatCannotBeMeantIsRefusedWithoutShowingIt(url: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(url: url) }
        for part in ["s3cret", "cret", "s3cr"] { #expect(error?.description.contains(part) == false, "\(url)") }
    }

    @Test(arguments: [
        ("postgresql://u%40x:p%40%2F%3F%23@h/d", "u@x@h:5432/d"), ("postgresql://u:p#?@h/d", "u@h:5432/d"),
        ("postgresql://u:p@[::1]:6000/d", "u@[::1]:6000/d"), ("postgresql://u:p@%2Fvar%2Frun/d", "u@/var/run:5432/d"),
        ("postgresql://u:p@/d?host=/var/run&port=6000", "u@/var/run:6000/d"),
        ("host=a,b port=1,2 user=u dbname=d password='a b'", "u@a:1,b:2/d"), ("postgresql:///d", "localhost:5432/d"),
        ("postgresql://u:p@h1,h2:6/d", "u@h1:5432,h2:6/d"), ("hostaddr=127.0.0.1 dbname=d", "127.0.0.1:5432/d"),
    ])
    func whatPsqlTakesIsTaken(url: String, endpoint: String) throws {
        #expect(try PostgresConfiguration(url: url).endpoint == endpoint)
    }

    @Test func anOddPasswordAndUserServe() async throws {
        let server = try await TestServer.shared
        try await withClient { owner in
            try await owner.execute(
                script: #"CREATE ROLE "od@d:u/ser" LOGIN PASSWORD 'a@b/c?d#e%f g''h\i"j'; "#)
        }
        let place = "127.0.0.1:\(server.server.port)/postgres"
        let url = "postgresql://od%40d%3Au%2Fser:a%40b%2Fc%3Fd%23e%25f%20g%27h%5Ci%22j@\(place)"
        let client = PostgresClient(try PostgresConfiguration(url: url), logger: quiet)
        let user: String = try await client.query(PostgresStatement("SELECT current_user::text")).single().decode(0)
        #expect(user == "od@d:u/ser")
        await client.close()
    }
}
