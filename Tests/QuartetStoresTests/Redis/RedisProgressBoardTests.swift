import ClientSupport
import Foundation
import Logging
import QuartetCore
import QuartetStack
import QuartetStores
import QuartetTesting
import Redis
import Testing

@Suite(.timeLimit(.minutes(2))) struct RedisProgressBoardTests {
    @Test(arguments: ProgressBoardConformance.behaviours)
    func conforms(_ behaviour: Conformance<any ProgressBoard>) async throws {
        // A prefix of its own: bells are everybody's.
        try await withRedis { try await behaviour.check(makeBoard($0, prefix: "\(UUID()):")) }
    }

    @Test func progressIsStoredAsDocumentedAndExpires() async throws {
        try await withRedis { client in
            let id = RequestID.make()
            let board = makeBoard(client, prefix: "shop:", ttl: .seconds(100))
            try await board.report([Progress(requestID: id, done: 3, total: 9)])
            let key = "shop:analysis_progress:{\(id.uuid.uuidString.lowercased())}"
            let fields = try await client.hgetall(key).mapValues { String(decoding: $0, as: UTF8.self) }
            #expect(fields["done"] == "3")
            #expect(fields["total"] == "9")
            #expect(fields["phase"] == "running")
            #expect((fields["updated_at"].flatMap(Int64.init) ?? 0) > 1_600_000_000_000)
            // Each report, also one that changes nothing, lets it live on.
            _ = try await client.send(RedisCommand("PEXPIRE", key, 5000))
            try await board.report([Progress(requestID: id, done: 1, total: 9)])
            let left = try await client.send(RedisCommand("PTTL", key)).int()
            #expect((90_000...100_000).contains(left))
        }
    }

    /// Reports of one call share commands, not their fates.
    @Test func aKeyThatCannotBeWrittenStopsItselfOnly() async throws {
        try await withRedis { client in
            let prefix = "\(UUID()):"
            let board = makeBoard(client, prefix: prefix)
            let reports = (0..<150).map { Progress(requestID: .make(), done: $0 % 7, total: 7) }
            func key(_ index: Int) -> String { RedisKeys(prefix: prefix).progress(reports[index].requestID) }
            // A hash whose number is one that nothing can be added to is read as no progress; a list gives way.
            _ = try await client.send(RedisCommand("RPUSH", key(3), "x"))
            _ = try await client.send(RedisCommand("HSET", key(70), "done", "many", "total", "-1"))
            try await board.report(reports)
            #expect(try await board.read(reports.map(\.requestID)) == reports)
        }
    }

    /// A command of many keys is refused for one of them.
    @Test func aKeyThatIsNotAllowedStopsItselfOnly() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let reports = (0..<3).map { Progress(requestID: .make(), done: $0, total: 7) }
                func key(_ index: Int) -> String { RedisKeys().progress(reports[index].requestID) }
                let rights = ["on", ">pw", "~\(key(0))", "~\(key(2))", "&*", "+@all"]
                _ = try await client.send(RedisCommand("ACL", arguments: ["SETUSER", "some"] + rights))
                var configuration = try RedisConfiguration(url: server.url)
                (configuration.username, configuration.password) = ("some", "pw")
                let limited = RedisClient(configuration: configuration, logger: Logger(label: "test"))
                await #expect(throws: RedisError.self) { try await makeBoard(limited).report(reports) }
                let stored = try await makeBoard(client).read(reports.map(\.requestID))
                #expect(stored == [reports[0], nil, reports[2]])
                await limited.close()
            }
        }
    }

    @Test func aRingIsHeardOnceHereAndOnceElsewhere() async throws {
        try await withRedis { client in
            let prefix = "\(UUID()):"
            let (here, elsewhere) = (makeBoard(client, prefix: prefix), makeBoard(client, prefix: prefix))
            var heard = here.rings(of: .queue).makeAsyncIterator()
            var heardElsewhere = elsewhere.rings(of: .queue).makeAsyncIterator()
            #expect(await heard.next() == .some(nil))
            #expect(await heardElsewhere.next() == .some(nil))
            let product = try #require(ProductID("p"))
            let tasks = [1, 2].map { AnalysisTask(requestID: .make(), productID: product, generation: $0) }
            try await here.ring(.queue, for: tasks[0])
            #expect(await heard.next() == tasks[0])
            #expect(await heardElsewhere.next() == tasks[0])
            // The server has sent the first to both by now: had it been heard twice, it would come before this one.
            try await elsewhere.ring(.queue, for: tasks[1])
            #expect(await heard.next() == tasks[1])
            #expect(await heardElsewhere.next() == tasks[1])
        }
    }

    @Test func listenersOfAProcessShareOneSubscription() async throws {
        try await withRedis { client in
            let board = makeBoard(client)
            let id = RequestID.make()
            let channel = RedisKeys(prefix: "").progress(id)
            do {
                var listeners = (0..<3).map { _ in board.reports(of: id).makeAsyncIterator() }
                for index in listeners.indices { _ = await listeners[index].next() }
                #expect(try await subscribers(of: channel, client) == 1)
            }
            // The server tells nobody that a subscription ended.
            let deadline = Deadline.after(.seconds(20))
            while try await subscribers(of: channel, client) > 0, !deadline.isPast {}
            #expect(try await subscribers(of: channel, client) == 0)
        }
    }

    @Test func listenersAreToldToLookAfterTheServerWasAway() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let board = makeBoard(client)
                let id = RequestID.make()
                try await board.report([Progress(requestID: id, done: 1, total: 2)])
                var reports = board.reports(of: id).makeAsyncIterator()
                #expect(await reports.next() == .some(nil))
                await server.kill()
                try await server.start()
                #expect(await reports.next() == .some(nil))
            }
        }
    }

    @Test func scriptsComeBackAfterEverythingIsFlushed() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let board = makeBoard(client)
                let ids = (0..<50).map { _ in RequestID.make() }
                for done in 1...3 {
                    let progress = ids.map { Progress(requestID: $0, done: done, total: 9) }
                    try await board.report(progress)
                    #expect(try await board.read(ids) == progress)
                    _ = try await client.send(RedisCommand("FLUSHALL"))
                    _ = try await client.send(RedisCommand("SCRIPT", "FLUSH"))
                    #expect(try await board.read(ids).allSatisfy { $0 == nil })
                }
            }
        }
    }

    @Test func aServerThatIsAwayIsAnUnavailableFailure() async throws {
        try await withPrivateRedis { server in
            try await withRedis(server) { client in
                let board = makeBoard(client)
                try await board.ring(.queue)
                await server.kill()
                let error = await #expect(throws: RedisError.self) { try await board.read([.make()]) }
                #expect(error?.isUnavailable == true)
            }
        }
    }

    private func makeBoard(
        _ client: RedisClient, prefix: String = "", ttl: Duration = .seconds(3600)
    ) -> RedisProgressBoard {
        var configuration = RedisProgressConfiguration()
        configuration.keys = RedisKeys(prefix: prefix)
        configuration.ttl = ttl
        return RedisProgressBoard(client: client, configuration: configuration, logger: Logger(label: "test"))
    }

    private func subscribers(of channel: String, _ client: RedisClient) async throws -> Int64 {
        try await client.send(RedisCommand("PUBSUB", "NUMSUB", channel)).array()[1].int()
    }
}
