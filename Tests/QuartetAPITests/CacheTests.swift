import ClientSupport
import Foundation
import HTTPTypes
import QuartetCore
import QuartetHTTP
import QuartetTesting
import Synchronization
import Testing

@testable import QuartetAPI

/// What callers read through the cache. Nobody consumes events here: only hints and the caller's own reads count.
@Suite(.timeLimit(.minutes(5))) struct CacheTests {
    private let path = "/v1/products/p-1"

    private func put(_ name: String, _ caller: Caller) async throws {
        let answer = try await caller.call(.put, path, #"{"name":"\#(name)"}"#)
        #expect(answer.status == 200)
    }

    private func result(_ api: APIFixture) async throws -> RequestID {
        let id = RequestID.make()
        _ = try await api.requests.submit([Submission(id: id, productID: api.product)])
        let session = AnalysisSession(
            requestID: id, productID: api.product, manifest: ["r-0"],
            analyzer: AnalyzerIdentity(name: "test", version: "1"))
        let fold = Fold.result(of: [APIFixture.card(id, 0)], session: session)
        _ = try await api.requests.finalise([Finalisation(result: fold)])
        return id
    }

    // MARK: What was announced is what is read

    @Test func aNameIsReadThroughAnyCopyAfterItsPut() async throws {
        let api = APIFixture()
        try await api.run { one in
            try await api.run { other in
                try await put("old", one)
                for _ in 0..<2 { #expect(try await other.call(.get, path).json["name"] as? String == "old") }
                try await put("new", one)
                #expect(try await other.call(.get, path).json["name"] as? String == "new")
            }
        }
    }

    @Test func aPageIsReadAnewAfterAPut() async throws {
        let api = APIFixture()
        try await api.run { caller in
            try await put("old", caller)
            let first = try await caller.call(.get, "/v1/products?limit=5")
            #expect(first.headers[.cacheStatus] == "quartet; fwd=miss; stored")
            let second = try await caller.call(.get, "/v1/products?limit=5")
            #expect(second.headers[.cacheStatus] == "quartet; hit" && second.text == first.text)
            try await put("new", caller)
            #expect(try await caller.call(.get, "/v1/products?limit=5").text.contains("new"))
        }
    }

    @Test func aResultIsReadOnceItsEndWasSeen() async throws {
        let api = APIFixture()
        try await api.addReviews(1)
        let old = try await result(api)
        try await api.run { caller in
            for _ in 0..<2 {
                let latest = try await caller.call(.get, "\(path)/analysis")
                #expect(latest.json["request_id"] as? String == old.description)
            }
            for tell in ["", "/events", "/keywords"] {
                // No worker has told the cache.
                let new = try await result(api)
                #expect(try await caller.call(.get, "/v1/analyses/\(new)\(tell)").status == 200)
                let latest = try await caller.call(.get, "\(path)/analysis")
                #expect(latest.json["request_id"] as? String == new.description, "\(tell)")
            }
        }
    }

    @Test func aRefusalTellsOfAnEndToo() async throws {
        let api = APIFixture()
        try await api.addReviews(1)
        _ = try await result(api)
        try await api.run { caller in
            for (method, end) in [(HTTPRequest.Method.delete, ""), (.post, "/retry")] {
                _ = try await caller.call(.get, "\(path)/analysis")
                let new = try await result(api)
                let answer = try await caller.call(method, "/v1/analyses/\(new)\(end)")
                #expect(answer.problem == "analysis-completed")
                let latest = try await caller.call(.get, "\(path)/analysis")
                #expect(latest.json["request_id"] as? String == new.description)
            }
        }
    }

    @Test func whatIsNotThereIsThereOnceItIsPut() async throws {
        let api = APIFixture()
        try await api.run { caller in
            for _ in 0..<2 { #expect(try await caller.call(.get, path).status == 404) }
            #expect(try await api.cache.get(.product(api.product)) == .nothing)
            try await put("new", caller)
            #expect(try await caller.call(.get, path).json["name"] as? String == "new")
        }
    }

    @Test func aCacheThatTakesHalfASecondIsWaitedFor() async throws {
        var api = APIFixture()
        api.cacheBetween = SlowCache(cache: api.cache, delay: .milliseconds(500))
        let cache = api.cache
        let key = CacheKey.product(api.product)
        try await api.run { caller in
            try await put("old", caller)
            _ = try await caller.call(.get, path)
            #expect(try await cache.get(key) != nil)
            try await put("new", caller)
            #expect(try await cache.get(key) == nil)
        }
    }

    /// Others may reach it already.
    @Test func aCacheThatComesBackHearsOfAChangeBeforeItIsAnnounced() async throws {
        let api = APIFixture()
        try await api.run { caller in
            try await put("old", caller)
            #expect(try await caller.call(.get, path).json["name"] as? String == "old")
            for _ in 0..<3 { api.cache.failNext(.invalidate, with: DeadlineExceeded(waitingFor: "the cache")) }
            try await put("new", caller)
            #expect(try await caller.call(.get, path).json["name"] as? String == "new")
        }
    }

    @Test func whatTheCacheDidNotHearInTimeItHearsLater() async throws {
        var api = APIFixture()
        api.cacheBetween = SlowCache(cache: api.cache, delay: .seconds(2))
        try await api.run { caller in
            try await put("old", caller)
            _ = try await caller.call(.get, path)
            try await put("new", caller)
            while try await caller.call(.get, path).json["name"] as? String != "new" { await Task.yield() }
        }
    }

    // MARK: What callers ask

    @Test func callersSayHowFreshItMustBe() async throws {
        let api = APIFixture()
        try await api.run { caller in
            try await put("old", caller)
            let first = try await caller.call(.get, path)
            #expect(first.headers[.eTag] == "\"1\"")
            // Behind the service's back, so that the cache has the old one.
            _ = try await FakeProductStore(database: api.database).put([(api.product, "new")])
            #expect(try await caller.call(.get, path).json["name"] as? String == "old")
            let newer = try await caller.call(.get, "\(path)?min_version=2")
            #expect(newer.json["name"] as? String == "new" && newer.headers[.eTag] == "\"2\"")
            _ = try await FakeProductStore(database: api.database).put([(api.product, "newer")])
            let fresh = try await caller.call(.get, path, headers: ["Cache-Control": "no-cache"])
            #expect(fresh.json["name"] as? String == "newer")
            #expect(fresh.headers[.cacheStatus] == "quartet; fwd=request; stored")
            #expect(try await caller.call(.get, path).headers[.cacheStatus] == "quartet; hit")
            #expect(try await caller.call(.get, "\(path)?min_version=9").problem == "not-yet")
            #expect(try await caller.call(.get, "\(path)?min_version=x").problem == "bad-parameter")
        }
    }

    /// Another copy loads it, and does not come to an end.
    @Test(arguments: ["max-stale=60", "max-age=30, Max-Stale = 60", "max-stale"])
    func whoAllowsItIsShownWhatWasThereWhileAnotherLoads(_ control: String) async throws {
        let api = APIFixture()
        try await api.run { caller in
            try await put("old", caller)
            _ = try await caller.call(.get, path)
            try await put("new", caller)
            let key = CacheKey.product(api.product)
            #expect(try await api.cache.get([CacheRead(key: key)])[0].loader == .reader)
            let stale = try await caller.call(.get, path, headers: ["Cache-Control": control])
            #expect(stale.json["name"] as? String == "old")
            #expect(stale.headers[.cacheStatus] == "quartet; hit; ttl=-1")
        }
    }

    // MARK: One load

    @Test func aHerdIsOneLoad() async throws {
        var api = APIFixture()
        let products = HeldProductStore(FakeProductStore(database: api.database))
        api.productStore = products
        let fixture = api
        _ = try await products.put([(api.product, "a")])
        try await fixture.run { caller in
            try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<1_000 { group.addTask { try await caller.call(.get, path) } }
                await products.untilHeld()
                while fixture.cache.callCount(of: .get) < 4 { await Task.yield() }
                products.letGo()
                for try await answer in group { #expect(answer.status == 200) }
            }
        }
        #expect(products.reads == 1)
    }

    @Test func whatAnotherProcessLoadsIsWaitedFor() async throws {
        var api = APIFixture()
        let products = HeldProductStore(FakeProductStore(database: api.database))
        api.productStore = products
        let fixture = api
        let lease = try await api.cache.get([CacheRead(key: .product(api.product))])[0]
        #expect(lease.loader == .reader)
        try await fixture.run { caller in
            async let answer = caller.call(.get, path)
            while fixture.cache.callCount(of: .get) < 4 { await Task.yield() }
            let entry = CacheEntry(version: 1, value: Array(#"{"by":"another"}"#.utf8))
            #expect(try await fixture.cache.put(entry, at: .product(fixture.product), by: lease.ticket))
            let text = try await answer.text
            #expect(text == #"{"by":"another"}"#)
        }
        #expect(products.reads == 0)
    }

    @Test func anEntryIsLoadedAnewBesideItsReader() async throws {
        var api = APIFixture()
        api.earliness = .infinity
        let fixture = api
        _ = try await FakeProductStore(database: api.database).put([(api.product, "old")])
        try await fixture.run { caller in
            _ = try await caller.call(.get, path)
            _ = try await FakeProductStore(database: fixture.database).put([(fixture.product, "new")])
            let stale = try await caller.call(.get, path)
            #expect(stale.json["name"] as? String == "old" && stale.headers[.cacheStatus] == "quartet; hit")
            while try await fixture.cache.get(.product(fixture.product))?.version != 2 { await Task.yield() }
        }
    }

    // MARK: A slow cache is no cache

    @Test func aCacheThatDoesNotAnswerIsLeftAlone() async throws {
        let api = APIFixture()
        try await api.run { caller in
            try await put("a", caller)
            for _ in 0..<2 {
                api.cache.failNext(.get, with: Away())
                let answer = try await caller.call(.get, path)
                #expect(answer.status == 200)
                #expect(answer.headers[.cacheStatus] == "quartet; fwd=bypass; detail=cache-unavailable")
            }
            let looks = api.cache.callCount(of: .get)
            for _ in 0..<10 {
                let answer = try await caller.call(.get, path)
                #expect(answer.headers[.cacheStatus] == "quartet; fwd=bypass; detail=cache-unavailable")
            }
            // No read was made to wait, and none has put without having looked.
            #expect(api.cache.callCount(of: .get) == looks)
            #expect(api.cache.callCount(of: .put) == 0)
        }
    }

    @Test func aBreakerClosesWhenTheCacheIsBack() {
        let breaker = CacheBreaker(failuresMax: 2, pause: .zero)
        breaker.failed()
        #expect(breaker.verdict() == .use)
        breaker.failed()
        #expect(breaker.verdict() == .probe)
        breaker.failed()
        #expect(breaker.verdict() == .probe)
        breaker.succeeded()
        #expect(breaker.verdict() == .use)
        let patient = CacheBreaker(failuresMax: 1, pause: .seconds(60))
        patient.failed()
        #expect(patient.verdict() == .bypass)
    }

    // MARK: A bound

    @Test func theCacheIsReadOnlyWhileInvalidationsFlow() async throws {
        var api = APIFixture()
        let flow = FakeInvalidationFlow()
        api.flow = flow
        let fixture = api
        flow.set(.product, nil)
        for delay: Duration? in [nil, .seconds(6)] {
            flow.set(.product, delay)
            try await fixture.run { caller in
                try await put("a", caller)
                for _ in 0..<2 {
                    let answer = try await caller.call(.get, path)
                    #expect(answer.headers[.cacheStatus] == "quartet; fwd=bypass; detail=invalidations-behind")
                }
                let ready = try await caller.call(.get, "/readyz", key: nil)
                #expect(ready.status == 200 && ready.json["status"] as? String == "degraded")
                #expect((ready.json["stores"] as? [String: String])?["invalidations"] == "not answering")
            }
        }
        flow.set(.product, .seconds(1))
        try await fixture.run { caller in
            // Looks how they flow.
            #expect(try await caller.call(.get, "/readyz", key: nil).json["status"] as? String == "ready")
            _ = try await caller.call(.get, path)
            #expect(try await caller.call(.get, path).headers[.cacheStatus] == "quartet; hit")
        }
    }
}

/// Products whose readers wait until they are let go.
final class HeldProductStore: ProductStore {
    private let store: any ProductStore
    private let held = AsyncStream.makeStream(of: Void.self)
    private let free = AsyncStream.makeStream(of: Void.self)
    private let count = Mutex(0)

    init(_ store: any ProductStore) {
        self.store = store
    }

    var reads: Int { count.withLock { $0 } }
    func untilHeld() async { for await _ in held.stream { return } }
    func letGo() { free.continuation.finish() }

    func put(_ products: [(id: ProductID, name: String?)]) async throws -> [Product] { try await store.put(products) }

    func products(_ ids: [ProductID]) async throws -> [Product?] {
        count.withLock { $0 += 1 }
        held.continuation.yield()
        for await _ in free.stream {}
        return try await store.products(ids)
    }

    func products(after: ProductID?, limit: Int) async throws -> [Product] {
        try await store.products(after: after, limit: limit)
    }
}

/// A cache that answers invalidations late, to whoever waits for it.
private struct SlowCache: VersionedCache {
    let cache: FakeVersionedCache
    let delay: Duration

    func get(_ reads: [CacheRead]) async throws -> [CacheReply] { try await cache.get(reads) }

    func put(_ entry: CacheEntry, at key: CacheKey, by ticket: CacheTicket) async throws -> Bool {
        try await cache.put(entry, at: key, by: ticket)
    }

    func invalidate(_ invalidations: [CacheInvalidation], deadline: Deadline?) async throws {
        if let deadline, deadline.remaining < delay { throw DeadlineExceeded(waitingFor: "the cache") }
        try await cache.invalidate(invalidations, deadline: deadline)
    }
}
