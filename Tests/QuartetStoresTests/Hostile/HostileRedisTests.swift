import ClientSupport
import Foundation
import Logging
import QuartetCore
import QuartetStack
import QuartetTesting
import Redis
import Testing

@testable import QuartetStores

/// Progress that is none, and subscriptions that are refused, on a real Redis.
@Suite(.timeLimit(.minutes(2))) struct HostileRedisTests {
    @Test func damagedProgressIsNoneAndGivesWay() async throws {
        try await withRedis { client in
            let prefix = "\(UUID()):"
            let keys = RedisKeys(prefix: prefix)
            var configuration = RedisProgressConfiguration()
            configuration.keys = keys
            let board = RedisProgressBoard(
                client: client, configuration: configuration, logger: Logger(label: "test"))
            let ids = (0..<Damage.count).map { _ in RequestID.make() }
            var damage = Damage(seed: 6)
            for (index, id) in ids.enumerated() where index % 3 > 0 {
                let key = keys.progress(id)
                switch damage.number(in: 0...4) {
                case 0: _ = try await client.send(RedisCommand("SET", key, damage.text()))
                case 1: _ = try await client.send(RedisCommand("RPUSH", key, damage.text()))
                default:
                    for field in ["done", "total", "phase", "generation"] where damage.number(in: 0...3) > 0 {
                        _ = try await client.send(RedisCommand("HSET", key, field, damage.text()))
                    }
                }
            }
            for progress in try await board.read(ids).compactMap(\.self) {
                #expect((0...progress.total).contains(progress.done) && progress.generation >= 1)
            }
            // The next report is what counts.
            try await board.report(ids.map { Progress(requestID: $0, done: 3, total: 9) })
            let read = try await board.read(ids)
            for (index, progress) in read.enumerated() {
                let progress = try #require(progress, "\(index)")
                if index % 3 == 0 { #expect(progress.done == 3 && progress.total == 9) }
            }
        }
    }

    /// Rights change: what was refused is asked for again.
    @Test func aRefusedSubscriptionIsMadeAtLast() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { admin in
                func rights(_ channels: String) async throws {
                    _ = try await admin.send(
                        RedisCommand(
                            "ACL", "SETUSER", "bell", "on", ">p", "~*", "+@all", "resetchannels", channels))
                }
                try await rights("&other")
                let url = server.url.replacing("redis://", with: "redis://bell:p@")
                let client = RedisClient(
                    configuration: try RedisConfiguration(url: url), logger: Logger(label: "test"))
                var configuration = RedisProgressConfiguration()
                configuration.subscriptionBackoff = .init(base: .milliseconds(5), max: .milliseconds(50))
                let refusals = Refusals()
                let board = RedisProgressBoard(
                    client: client, configuration: configuration, logger: Logger(label: "test") { _ in refusals })
                var bells = board.rings(of: .queue).makeAsyncIterator()
                for await _ in refusals.stream { break }
                try await rights("&*")
                #expect(await bells.next() == .some(nil), "it listens")
                try await RedisProgressBoard(client: admin, logger: Logger(label: "test")).ring(.queue, for: nil)
                #expect(await bells.next() == .some(nil))
                await client.close()
            }
        }
    }
}

/// A log that tells of each line.
private struct Refusals: LogHandler {
    let stream: AsyncStream<Void>
    private let told: AsyncStream<Void>.Continuation
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init() {
        (stream, told) = AsyncStream.makeStream()
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { told.yield() }
}
