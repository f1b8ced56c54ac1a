package import QuartetCore
import Synchronization
import Testing

/// A cache check store, the cache and the stores that it compares, and what no port does to the cache's keys.
package struct CacheCheckStoreSubject: Sendable {
    package let checkStore: any CacheCheckStore
    package let cache: any VersionedCache
    package let stores: RequestStoreFixture
    /// Before the names of Quartet's keys.
    package let prefix: String
    /// The name of a key that is not Quartet's.
    package let stranger: String
    /// How long each family's keys live: entries of results and of products, and progress.
    package let timesToLive: (analysis: Duration, product: Duration, progress: Duration)
    /// Leaves a key of another type than entries have.
    package let plant: @Sendable (_ name: [UInt8], _ timeToLive: Duration?) async throws -> Void
    /// How long a key has to live; nil, for ever.
    package let timeToLive: @Sendable (_ name: [UInt8]) async throws -> Duration?
    package let setTimeToLive: @Sendable (_ name: [UInt8], Duration?) async throws -> Void

    package init(
        checkStore: any CacheCheckStore, cache: any VersionedCache, stores: RequestStoreFixture, prefix: String,
        stranger: String, timesToLive: (analysis: Duration, product: Duration, progress: Duration),
        plant: @escaping @Sendable (_ name: [UInt8], _ timeToLive: Duration?) async throws -> Void,
        timeToLive: @escaping @Sendable (_ name: [UInt8]) async throws -> Duration?,
        setTimeToLive: @escaping @Sendable (_ name: [UInt8], Duration?) async throws -> Void
    ) {
        self.checkStore = checkStore
        self.cache = cache
        self.stores = stores
        self.prefix = prefix
        self.stranger = stranger
        self.timesToLive = timesToLive
        self.plant = plant
        self.timeToLive = timeToLive
        self.setTimeToLive = setTimeToLive
    }

    /// On fakes.
    package static func fake() -> CacheCheckStoreSubject {
        let (database, cache) = (FakeDatabase(), FakeVersionedCache())
        let checkStore = FakeCacheCheckStore(cache: cache, database: database)
        let times = (FakeVersionedCache.analysisTTL, FakeVersionedCache.productTTL, FakeCacheCheckStore.progressTTL)
        return CacheCheckStoreSubject(
            checkStore: checkStore, cache: cache, stores: .fake(database), prefix: checkStore.prefix,
            stranger: "stranger",
            timesToLive: times, plant: { checkStore.plant($0, timeToLive: $1) },
            timeToLive: { checkStore.timeToLive(of: $0) },
            setTimeToLive: { checkStore.setTimeToLive(of: $0, $1) })
    }
}

/// What every ``CacheCheckStore`` does. Each behaviour wants a subject whose stores are fresh; the cache may be shared.
package enum CacheCheckStoreConformance {
    package static let behaviours: [Conformance<CacheCheckStoreSubject>] = [
        Conformance("pages have every key of Quartet's, and no other", pages),
        Conformance("a walk ends with what its body throws", endedWalk),
        Conformance("keys are told as they are now", presentKeys),
        Conformance("the rows behind entries come with their latest versions and since when they are so", rows),
        Conformance("keys that never expire do so after their family's time", expiry),
        Conformance("what expires by itself keeps its time", keptTimes),
    ]

    // MARK: Keys

    private static func pages(_ subject: CacheCheckStoreSubject) async throws {
        var expected: [CachedKey] = []
        for number in 0..<12 {
            let key = number.isMultiple(of: 2) ? CacheKey.analysis(try product()) : .product(try product())
            let entry = CacheEntry(version: Int64(number), value: Array("{}".utf8))
            #expect(try await subject.cache.put(entry, at: key))
            expected.append(CachedKey(name: subject.name(key), expires: true, entry: (key, entry.version)))
        }
        let tombstone = CacheKey.product(try product())
        try await subject.cache.invalidate([CacheInvalidation(key: tombstone, version: 5)])
        expected.append(CachedKey(name: subject.name(tombstone), expires: true, entry: nil))
        // No entries, whatever their names.
        for (name, timeToLive) in [
            (subject.progressName(), .seconds(50)), (subject.progressName(), nil),
            (subject.name(.product(try product())), nil), (subject.name(.analysis(try product())), .seconds(50)),
        ] as [([UInt8], Duration?)] {
            try await subject.plant(name, timeToLive)
            expected.append(CachedKey(name: name, expires: timeToLive != nil, entry: nil))
        }
        let eternal = expected[3]
        try await subject.setTimeToLive(eternal.name, nil)
        expected[3] = CachedKey(name: eternal.name, expires: false, entry: eternal.entry)
        try await subject.plant(Array(subject.stranger.utf8), nil)

        for size in [1, 5, 1000] {
            let seen = Mutex<[CachedKey]>([])
            try await subject.checkStore.forEachPage(size: size) { page in seen.withLock { $0 += page } }
            let keys = seen.withLock(\.self)
            let own = Set(expected.map(\.name))
            #expect(Set(keys.filter { own.contains($0.name) }) == Set(expected))
            #expect(!keys.contains { $0.name.elementsEqual(subject.stranger.utf8) })
        }
    }

    private static func endedWalk(_ subject: CacheCheckStoreSubject) async throws {
        struct Enough: Error {}
        for _ in 0..<3 { _ = try await subject.cache.put(entry(1), at: .product(try product())) }
        let pages = Mutex(0)
        await #expect(throws: Enough.self) {
            try await subject.checkStore.forEachPage(size: 1) { _ in
                pages.withLock { $0 += 1 }
                throw Enough()
            }
        }
        #expect(pages.withLock(\.self) == 1)
    }

    private static func presentKeys(_ subject: CacheCheckStoreSubject) async throws {
        let product = try product()
        let keys = [CacheKey.analysis(product), .product(product)]
        let names = keys.map(subject.name)
        #expect(try await subject.checkStore.keys([]).isEmpty)
        #expect(try await subject.checkStore.keys(names) == [nil, nil])
        _ = try await subject.cache.put(entry(.max), at: keys[0])
        _ = try await subject.cache.put(CacheEntry(version: 0, value: []), at: keys[1])
        let other = subject.progressName()
        try await subject.plant(other, nil)
        let absent = subject.name(.product(try #require(ProductID("absent"))))
        func present(_ index: Int, _ version: Int64, expires: Bool = true) -> CachedKey {
            CachedKey(name: names[index], expires: expires, entry: (keys[index], version))
        }
        let found = try await subject.checkStore.keys([other, names[1], absent, names[0], names[1]])
        #expect(
            found == [
                CachedKey(name: other, expires: false, entry: nil), present(1, 0), nil, present(0, .max),
                present(1, 0),
            ])
        try await subject.cache.invalidate([CacheInvalidation(key: keys[1], version: 3)])
        try await subject.setTimeToLive(names[0], nil)
        #expect(
            try await subject.checkStore.keys(names) == [
                present(0, .max, expires: false), CachedKey(name: names[1], expires: true, entry: nil),
            ])
        _ = try await subject.cache.put(CacheEntry(version: 4, value: [1]), at: keys[1])
        #expect(try await subject.checkStore.keys([names[1]]) == [present(1, 4)])
    }

    // MARK: Rows

    private static func rows(_ subject: CacheCheckStoreSubject) async throws {
        let stores = subject.stores
        let products = try await stores.create("p", "q", "r")
        _ = try await stores.products.put([(products[0], "renamed"), (products[1], "Product q")])
        let requests = try await stores.submit([products[0], products[1], products[0], products[2]])
        // The latest is the one that was completed last.
        _ = try await stores.finalise([requests[2], requests[1]])
        _ = try await stores.finalise([requests[0]])
        let events = try await stores.drain(count: 4 + 4 + 3).map(\.event)
        let unknown = try #require(ProductID("unknown"))
        let keys: [CacheKey] = [
            .product(products[1]), .analysis(products[0]), .product(unknown), .analysis(products[2]),
            .product(products[0]), .analysis(products[1]), .analysis(unknown), .product(products[1]),
        ]
        // Each change has its event, of the same version and time.
        let expected = keys.map { key in
            key.family == .latestResults
                ? events.last { $0.type == .analysisCompleted && $0.analysis?.productID.text == key.id }
                : events.last { $0.type.aggregate == .product && $0.aggregateID == key.id }
        }
        let rows = try await subject.checkStore.rows(of: keys)
        #expect(rows.map { $0?.version } == expected.map { $0?.completion?.resultVersion ?? $0?.version })
        #expect(rows.map { $0?.since.microseconds } == expected.map { $0?.occurredAt.microseconds })
        #expect(rows.map { $0 == nil } == [false, false, true, true, false, false, true, false])
        #expect(rows[4]?.version == 2)
        let latest = try await stores.requests.latestResults(of: [products[0]])
        #expect(rows[1]?.version == latest[0]?.version && latest[0]?.requestID == requests[0].id)
        #expect(try await subject.checkStore.rows(of: []).isEmpty)
    }

    // MARK: Expiry

    private static func expiry(_ subject: CacheCheckStoreSubject) async throws {
        let keys = [CacheKey.analysis(try product()), .product(try product()), .analysis(try product())]
        for key in keys { _ = try await subject.cache.put(entry(7), at: key) }
        try await subject.cache.invalidate([CacheInvalidation(key: keys[2], version: 8)])
        let (other, absent) = (subject.progressName(), subject.name(.product(try product())))
        let names = keys.map(subject.name) + [other]
        try await subject.plant(other, nil)
        for name in names { try await subject.setTimeToLive(name, nil) }
        #expect(try await subject.checkStore.keys(names).map { $0?.expires } == Array(repeating: false, count: 4))
        let times = subject.timesToLive
        let expected = [times.analysis, times.product, times.analysis, times.progress]
        for _ in 0..<2 {
            try await subject.checkStore.expire(names + [absent])
            for (name, time) in zip(names, expected) {
                let left = try #require(try await subject.timeToLive(name))
                #expect(left > time - .seconds(60) && left <= time)
            }
            #expect(try await subject.checkStore.keys(names).map { $0?.expires } == Array(repeating: true, count: 4))
        }
        try await subject.checkStore.expire([])
        #expect(try await subject.checkStore.keys([absent]) == [nil])
        #expect(try await subject.cache.get(keys[0]) == entry(7))
        #expect(try await subject.cache.get(keys[2]) == nil)
    }

    private static func keptTimes(_ subject: CacheCheckStoreSubject) async throws {
        let key = CacheKey.product(try product())
        let names = [subject.name(key), subject.progressName()]
        _ = try await subject.cache.put(entry(7), at: key)
        try await subject.setTimeToLive(names[0], .seconds(90))
        try await subject.plant(names[1], .seconds(90))
        try await subject.checkStore.expire(names)
        for name in names { #expect(try #require(try await subject.timeToLive(name)) <= .seconds(90)) }
    }

    // MARK: What is read

    /// One of its own: the cache may have other tests' keys.
    private static func product() throws -> ProductID { try #require(ProductID("p-\(RequestID.make())")) }

    private static func entry(_ version: Int64) -> CacheEntry { CacheEntry(version: version, value: [1]) }
}

extension CacheCheckStoreSubject {
    fileprivate func name(_ key: CacheKey) -> [UInt8] {
        Array("\(prefix)\(key.family.name):{\(key.id)}".utf8)
    }

    fileprivate func progressName() -> [UInt8] { Array("\(prefix)analysis_progress:{\(RequestID.make())}".utf8) }
}
