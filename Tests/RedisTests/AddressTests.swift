import NIOCore
import NIOPosix
import QuartetTesting
import Testing

@testable import QuartetStack
@testable import Redis

@Suite("Hosts with several addresses")
struct AddressTests {
    /// A host that has these addresses, and a client of it.
    private func client(
        of addresses: [(ip: String, port: Int)], timeout: Duration = .seconds(20)
    ) throws -> (client: RedisClient, host: HostAddresses) {
        let list = try addresses.map { try SocketAddress(ipAddress: $0.ip, port: $0.port) }
        var configuration = RedisConfiguration(host: "redis.example", port: 6379)
        configuration.connectTimeout = timeout
        configuration.commandTimeout = .seconds(20)
        let host = HostAddresses(host: configuration.host, port: configuration.port) { _, _ in list }
        return (RedisClient(configuration: configuration, addresses: host, logger: .silent), host)
    }

    @Test("a silent first address leaves time for the second, which then comes first")
    func silentFirst() async throws {
        try await withRedis { server, _ in
            try await SilentListener.with { silent in
                let (client, host) = try client(
                    of: [("127.0.0.1", silent), ("127.0.0.1", Int(server.port))], timeout: .seconds(2))
                try await client.ping()
                let loop = MultiThreadedEventLoopGroup.singleton.any()
                #expect(try await host.current(on: loop).get().map(\.port) == [Int(server.port), silent])
                await client.close()
            }
        }
    }

    @Test("a refusing first address is passed by")
    func refusingFirst() async throws {
        try await withRedis { server, _ in
            let (client, _) = try client(of: [("127.0.0.1", 1), ("127.0.0.1", Int(server.port))])
            try await client.ping()
            await client.close()
        }
    }

    @Test("where none serves each is named")
    func noneServes() async throws {
        let (client, _) = try client(of: [("127.0.0.1", 1), ("127.0.0.2", 2)])
        let error = try await redisError { try await client.ping() }
        #expect(error.isUnavailable && error.description.contains("127.0.0.1: "), "\(error)")
        #expect(error.description.contains("127.0.0.2: ") && !error.description.contains("\n"), "\(error)")
        await client.close()

        let nowhere = makeClient(1) { $0.host = "no-such-host.invalid" }
        let unknown = try await redisError { try await nowhere.ping() }
        #expect(unknown.isUnavailable && unknown.description.contains("no address"), "\(unknown)")
        await nowhere.close()
    }

    @Test("an IPv6 address in brackets is talked to")
    func bracketed() async throws {
        try await withRedis(options: ["--bind", "127.0.0.1", "::1"]) { server, _ in
            let configuration = try RedisConfiguration(url: "redis://[::1]:\(server.port)/2")
            let client = RedisClient(configuration: configuration, logger: .silent)
            try await client.ping()
            await client.close()
        }
    }
}
