package import Mongo
package import QuartetCore

package struct MongoQueueConfiguration: Sendable, Hashable {
    /// How far `depth` counts each kind of task; an endless backlog is not worth an endless count.
    package var countMax = 100_000

    package init() {}
}

/// The task queue in the collection `analysis_queue`. The layout is ``StoredTask``'s, and time is the server's.
///
/// What must not be lost waits for a majority: that a task is there, and that it is dead. Claims, renewals, releases and
/// acknowledgements do not: one that a failover takes back costs a repeated claim, which changes nothing.
package struct MongoTaskQueue: TaskQueue {
    package static let collectionName = "analysis_queue"
    /// How often a claim looks again when others took all that it had found.
    private static let lostRacesMax = 3

    private let client: MongoClient
    private let durable: MongoCollection
    private let quick: MongoCollection
    private let configuration: MongoQueueConfiguration

    package init(client: MongoClient, configuration: MongoQueueConfiguration = MongoQueueConfiguration()) {
        precondition(configuration.countMax > 0, "depth counts something")
        self.client = client
        self.configuration = configuration
        durable = client.collection(Self.collectionName, writeConcern: .majority)
        quick = client.collection(Self.collectionName, writeConcern: .one, readConcern: .local)
    }

    /// Makes sure of the index by which tasks are claimed; repeatable.
    package func ensureIndexes() async throws {
        try await durable.createIndexes([MongoIndex(["state": 1, "available_at": 1, "_id": 1], name: "claim")])
    }

    package func enqueue(_ tasks: [AnalysisTask]) async throws {
        guard !tasks.isEmpty else { return }
        // The reply's time is past when the tasks arrive, so they are claimable at once.
        let now = try await client.runCommand(["hello": 1]).decode("localTime", as: BSONValue.self)
        guard let now = now.asMilliseconds else { throw BSONError(.malformed, key: "localTime") }
        var batch = BSONBatch(reservingBytes: tasks.count * 256)
        for task in tasks {
            batch.append { StoredTask.write(task, enqueuedAt: now, to: &$0) }
        }
        let inserted = try await durable.insertMany(batch)
        try inserted.throwUnlessDuplicates()
        // The first generation is never later than what is there.
        let later = inserted.errors.map { tasks[$0.index] }.filter { $0.generation > 1 }
        guard !later.isEmpty else { return }
        try await durable.bulkWrite(later.map(StoredTask.renewal(of:))).throwUnlessDuplicates()
    }

    package func remove(_ ids: [RequestID]) async throws {
        guard !ids.isEmpty else { return }
        _ = try await quick.deleteMany(["_id": ["$in": .array(ids.map(\.uuid))]])
    }

    package func claim(limit: Int, worker: String, leaseDuration: Duration) async throws -> [Claim] {
        var options = MongoFindOptions()
        options.sort = ["available_at": 1, "_id": 1]
        options.projection = ["_id": 1]
        options.limit = limit
        for _ in 0..<Self.lostRacesMax {
            let found = try await quick.find(StoredTask.claimable, options)
            guard !found.isEmpty else { return [] }
            let ids = BSONValue.array(try found.map { try $0.decode("_id", as: BSONValue.self) })
            let token = LeaseToken()
            var filter = StoredTask.claimable
            filter.append("_id", ["$in": ids])
            let update = StoredTask.claim(token: token, worker: worker, leaseDuration: leaseDuration)
            guard try await quick.updateMany(filter, update).matched > 0 else { continue }
            let won = try await quick.find(["_id": ["$in": ids], "lease.token": .uuid(token.uuid)])
            if !won.isEmpty { return try won.map(StoredTask.readClaim).inOrder(of: found) }
        }
        return []
    }

    package func renew(_ leases: [Lease], leaseDuration: Duration) async throws -> [Bool] {
        guard !leases.isEmpty else { return [] }
        let update = StoredTask.renewal(leaseDuration: leaseDuration)
        let matched = try await quick.updateMany(StoredTask.held(leases), update).matched
        if matched == leases.count { return leases.map { _ in true } }
        let held = try await held(leases)
        return leases.map(held.contains)
    }

    package func release(_ releases: [TaskRelease]) async throws -> [Bool] {
        try await changeHeld(releases.map(\.lease)) { indexes in
            try await bulkWrite(indexes.map { StoredTask.release(releases[$0]) }, to: quick)
        }
    }

    package func acknowledge(_ leases: [Lease]) async throws -> [Bool] {
        try await changeHeld(leases) { indexes in
            try await quick.deleteMany(StoredTask.held(indexes.map { leases[$0] }))
        }
    }

    package func bury(_ burials: [TaskBurial]) async throws -> [Bool] {
        try await changeHeld(burials.map(\.lease)) { indexes in
            try await bulkWrite(indexes.map { StoredTask.burial(burials[$0]) }, to: durable)
        }
    }

    package func depth() async throws -> QueueDepth {
        async let claimable = quick.countDocuments(StoredTask.claimable, limit: configuration.countMax)
        async let live = quick.countDocuments(["state": "live"], limit: configuration.countMax)
        async let dead = quick.countDocuments(["state": "dead"], limit: configuration.countMax)
        let now = try await claimable
        return try await QueueDepth(claimable: now, waiting: max(0, live - now), dead: dead)
    }

    /// Makes a change that ends leases, and says for each lease whether it was held.
    ///
    /// Afterwards a document does not tell any more under which lease it was changed, so the leases are looked up first.
    /// `change` gets the indexes of those that hold and returns how many tasks it changed.
    private func changeHeld(_ leases: [Lease], _ change: ([Int]) async throws -> Int) async throws -> [Bool] {
        guard !leases.isEmpty else { return [] }
        let held = try await held(leases)
        let indexes = leases.indices.filter { held.contains(leases[$0]) }
        guard !indexes.isEmpty else { return leases.map { _ in false } }
        let changed = try await change(indexes)
        guard changed < held.count else { return leases.map(held.contains) }
        // Some lease was taken over since: those tasks are there under another one.
        let ids = held.map(\.requestID.uuid)
        let options = MongoFindOptions(projection: ["lease.token": 1])
        let present = try await quick.find(["_id": ["$in": .array(ids)], "lease": ["$exists": true]], options)
        let lost = Set(try present.map { try StoredTask.readLease($0).requestID })
        return leases.map { held.contains($0) && !lost.contains($0.requestID) }
    }

    private func held(_ leases: [Lease]) async throws -> Set<Lease> {
        let options = MongoFindOptions(projection: ["lease.token": 1])
        return Set(try await quick.find(StoredTask.held(leases), options).map(StoredTask.readLease))
    }

    private func bulkWrite(_ writes: [MongoWrite], to collection: MongoCollection) async throws -> Int {
        let result = try await collection.bulkWrite(writes)
        try result.throwIfAny()
        return result.matched
    }
}

extension [Claim] {
    /// The claims in the order of the documents that were found, which is that of their waiting.
    fileprivate func inOrder(of documents: [BSONDocument]) throws -> [Claim] {
        let claims = Dictionary(map { ($0.task.requestID, $0) }) { first, _ in first }
        return try documents.compactMap { claims[RequestID(try $0.decode("_id"))] }
    }
}
