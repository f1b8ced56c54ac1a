import Foundation
import QuartetCore
import QuartetStores
import QuartetTesting
import Redis
import Testing

@Suite(.timeLimit(.minutes(2))) struct RedisAgingCacheTests {
    @Test(arguments: AgingCacheStoreConformance.behaviours)
    func conforms(_ behaviour: Conformance<any AgingCacheStore>) async throws {
        try await withRedis {
            try await behaviour.check(
                RedisAgingCache(client: $0, keys: RedisKeys(prefix: "\(UUID()):"), timeout: .seconds(60)))
        }
    }

    @Test(arguments: AgingCacheStoreConformance.behaviours)
    func theFakeConforms(_ behaviour: Conformance<any AgingCacheStore>) async throws {
        try await behaviour.check(FakeAgingCacheStore())
    }

    @Test func rowsAreStoredAsDocumentedAndExpire() async throws {
        try await withRedis { client in
            let prefix = "\(UUID()):"
            let store = RedisAgingCache(client: client, keys: RedisKeys(prefix: prefix), timeout: .seconds(60))
            try await store.replace(
                [AgingRow(id: "p", json: Array("{}".utf8))], of: "products", life: .seconds(100))
            _ = try await store.takeTurn(of: "products", for: .seconds(100))
            let fields = try await client.hgetall("\(prefix)cache:products")
            #expect(fields.mapValues { String(decoding: $0, as: UTF8.self) } == ["p": "{}"])
            for key in [
                "\(prefix)cache:products", "{\(prefix)cache:products}:refreshed", "{\(prefix)cache:products}:turn",
            ] {
                let left = try await client.send(RedisCommand("PTTL", key)).int()
                #expect((50_000...100_000).contains(left), "\(key)")
            }
        }
    }

    @Test func aTurnThatIsAnothersByNowIsNotGivenUp() async throws {
        try await withRedis { client in
            let prefix = "\(UUID()):"
            let keys = RedisKeys(prefix: prefix)
            let slow = RedisAgingCache(client: client, keys: keys, timeout: .seconds(60))
            let next = RedisAgingCache(client: client, keys: keys, timeout: .seconds(60))
            #expect(try await slow.takeTurn(of: "users", for: .seconds(100)) == nil)
            _ = try await client.del(["{\(prefix)cache:users}:turn"])
            #expect(try await next.takeTurn(of: "users", for: .seconds(100)) == nil)
            try await slow.giveUpTurn(of: "users")
            #expect(try await slow.takeTurn(of: "users", for: .seconds(100)) != nil)
            try await next.giveUpTurn(of: "users")
            #expect(try await slow.takeTurn(of: "users", for: .seconds(100)) == nil)
        }
    }

    /// As after the server's clock was set back by an hour: keys live that much longer.
    @Test func aTurnThatLastsLongerThanAnyCanIsTaken() async throws {
        try await withRedis { client in
            let prefix = "\(UUID()):"
            let keys = RedisKeys(prefix: prefix)
            let dead = RedisAgingCache(client: client, keys: keys, timeout: .seconds(60))
            let next = RedisAgingCache(client: client, keys: keys, timeout: .seconds(60))
            #expect(try await dead.takeTurn(of: "users", for: .seconds(100)) == nil)
            #expect(try await next.takeTurn(of: "users", for: .seconds(100)) != nil)
            _ = try await client.send(RedisCommand("PEXPIRE", "{\(prefix)cache:users}:turn", 3_700_000))
            #expect(try await next.takeTurn(of: "users", for: .seconds(100)) == nil)
        }
    }

    /// Whatever is under its key goes away with the next turn.
    @Test func aKeyOfAnotherTypeGivesWay() async throws {
        try await withRedis { client in
            let prefix = "\(UUID()):"
            let store = RedisAgingCache(client: client, keys: RedisKeys(prefix: prefix), timeout: .seconds(60))
            _ = try await client.send(RedisCommand("RPUSH", "\(prefix)cache:users", "x"))
            _ = try await client.send(RedisCommand("RPUSH", "{\(prefix)cache:users}:turn", "x"))
            await #expect(throws: RedisError.self) { try await store.random(1, of: "users") }
            #expect(try await store.takeTurn(of: "users", for: .seconds(1)) == nil)
            try await store.replace([AgingRow(id: "u", json: [])], of: "users", life: .seconds(100))
            #expect(try await store.random(1, of: "users")?.rows.map(\.id) == ["u"])
        }
    }
}
