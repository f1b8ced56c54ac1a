import ClientSupport
import Foundation
import Logging
import Redis

/// Redis over TLS alone, with a user for Quartet that can do what Quartet does, on its own keys and channels.
struct RedisSecurity: Sendable {
    let secrets: StackSecrets

    func url(port: UInt16, as user: SecureUser = .quartet) -> String {
        "rediss://\(user):\(secrets.password("redis", of: user))@127.0.0.1:\(port)"
    }

    /// In place of the port of those who come without TLS.
    func settings(port: UInt16) throws -> [(String, String)] {
        [
            ("port", "0"), ("tls-port", "\(port)"), ("tls-cert-file", secrets.certificateFile),
            ("tls-key-file", secrets.keyFile), ("tls-ca-cert-file", secrets.authorityFile), ("tls-auth-clients", "no"),
            ("aclfile", try secrets.write(users, to: "redis.acl")),
        ]
    }

    /// Returns when it answers; it listens before it has its data.
    func complete(port: UInt16, deadline: Deadline) async throws {
        let silence = Logger(label: "redis") { _ in SwiftLogNoOpLogHandler() }
        do {
            var configuration = try RedisConfiguration(url: url(port: port, as: .admin))
            configuration.tls?.trustRootsFile = secrets.authorityFile
            let client = RedisClient(configuration: configuration, logger: silence)
            do {
                try await Self.waitUntilLoaded(client, deadline: deadline)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        } catch let error as RedisError {
            throw StackError(code: .startFailed, message: "redis does not serve: \(error)")
        }
    }

    private static func waitUntilLoaded(_ client: RedisClient, deadline: Deadline) async throws {
        while true {
            do {
                return try await client.ping(deadline: deadline)
            } catch let error as RedisError where error.isUnavailable && !deadline.isPast {
                try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(20)))
            }
        }
    }

    private var users: String {
        let prefix = secrets.security.redisPrefix
        let keys = Self.keys.map { "~\(prefix)\($0)" } + ["~{\(prefix)cache:*"]
        let channels = Self.channels.map { "&\(prefix)\($0)" }
        let rights = (keys + channels + Self.commands.map { "+\($0)" }).joined(separator: " ")
        return """
            user default off
            user admin on >\(secrets.password("redis", of: .admin)) ~* &* +@all
            user quartet on >\(secrets.password("redis", of: .quartet)) \(rights)

            """
    }

    private static let keys = [
        "analysis_progress:*", "analysis_cache:*", "product_cache:*", "product_list_cache:*", "cache_tag:*",
        "cache_epoch*", "cache:*",
    ]
    private static let channels = ["analysis_progress:*", "analysis_arrivals", "analysis_queue", "analysis_leases"]
    private static let commands = [
        "client|setname", "select", "ping", "info", "time", "scan", "eval", "evalsha", "publish", "subscribe",
        "unsubscribe",
        "get", "mget", "set", "del", "pexpire", "pttl", "hget", "hgetall", "hmget", "hset", "hdel", "hlen",
        "hrandfield",
        "memory|usage", "cluster|slots", "cluster|info", "asking",
    ]
}
