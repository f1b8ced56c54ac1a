import Testing

@testable import Redis

@Suite("Configuration")
struct ConfigurationTests {
    @Test("A URL gives host, port, database, credentials and TLS")
    func url() throws {
        let plain = try RedisConfiguration(url: "redis://cache.example")
        #expect(plain == RedisConfiguration(host: "cache.example", port: 6379))

        let full = try RedisConfiguration(url: "rediss://user:p%40ss%2F:x@[::1]:7000/3")
        #expect(full.host == "::1" && full.port == 7000 && full.database == 3)
        #expect(full.username == "user" && full.password == "p@ss/:x")
        #expect(full.tls == RedisTLS())

        let password = try RedisConfiguration(url: "redis://:secret@host:1/")
        #expect(password.username == nil && password.password == "secret" && password.database == 0)
    }

    @Test(
        "A URL that makes no sense is refused without repeating it",
        arguments: [
            "", "http://secret", "redis://", "redis://:secret@", "redis://host:0", "redis://host:70000",
            "redis://a:b:c",
            "redis://host:+1", "redis://host/x", "redis://host/-1", "redis://secret@host", "redis://u:%zz@host",
            "redis://u:%+f@host", "redis://[::1", "redis://[::1]x", "redis://host?db=secret", "redis://host/1/2",
        ])
    func badURL(url: String) {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: url) }
        #expect(error?.code == .configuration)
        #expect(error?.description.contains("secret") == false)
    }

    @Test("The description is a URL without the password")
    func description() throws {
        let configuration = try RedisConfiguration(url: "rediss://user:secret@host:7000/3")
        #expect(configuration.description == "rediss://user:***@host:7000/3")
        #expect(RedisConfiguration(host: "::1").description == "redis://[::1]:6379/0")
    }
}
