import Foundation
package import Logging
import Metrics
package import Mongo
package import QuartetCore
import Synchronization

package struct MongoQueueConfiguration: Sendable, Hashable {
    /// How far `depth` counts each kind of task; an endless backlog is not worth an endless count.
    package var countMax = 100_000
    /// No lease and no delay is longer: a task that is due later than that was written by another clock.
    package var waitMax: Duration = .seconds(120)
    /// How often such tasks are looked for.
    package var waitCheckInterval: Duration = .seconds(5)

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

    private let durable: MongoCollection
    private let quick: MongoCollection
    private let clock: ServerClock
    private let lost = LostClaims()
    private let nextWaitCheck: NextCheck
    private let logger: Logger?
    private let configuration: MongoQueueConfiguration

    package init(
        client: MongoClient, configuration: MongoQueueConfiguration = MongoQueueConfiguration(), logger: Logger? = nil
    ) {
        precondition(configuration.countMax > 0, "depth counts something")
        self.logger = logger
        nextWaitCheck = NextCheck(every: configuration.waitCheckInterval)
        clock = ServerClock(client: client)
        self.configuration = configuration
        durable = client.collection(Self.collectionName, writeConcern: .majority)
        quick = client.collection(Self.collectionName, writeConcern: .one, readConcern: .local)
    }

    /// The indexes by which tasks are claimed and dead ones are listed.
    package func prepare() async throws {
        try await durable.createIndexes([
            MongoIndex(["state": 1, "available_at": 1, "_id": 1], name: "claim"),
            MongoIndex(["state": 1, "_id": 1], name: "dead", partialFilter: ["state": "dead"]),
        ])
    }

    package func enqueue(
        _ tasks: [AnalysisTask], whenVisible: @escaping @Sendable () async -> Void
    ) async throws {
        guard !tasks.isEmpty else { return }
        // That time is past when the tasks arrive, so they are claimable at once.
        let now = try await clock.now()
        var batch = BSONBatch(reservingBytes: tasks.count * 256)
        for task in tasks {
            batch.append { StoredTask.write(task, enqueuedAt: now, to: &$0) }
        }
        let inserted = try await quick.insertMany(batch)
        try await renewEarlier(tasks, met: inserted)
        await whenVisible()
        try await makeDurable(tasks, batch, inserted: inserted)
    }

    /// Begins those tasks afresh that met an earlier generation's.
    private func renewEarlier(_ tasks: [AnalysisTask], met inserted: MongoBulkResult) async throws {
        try inserted.throwUnlessDuplicates()
        let later = inserted.errors.map { tasks[$0.index] }
        if !later.isEmpty { try await durable.bulkWrite(later.map(StoredTask.renewal(of:))).throwUnlessDuplicates() }
    }

    /// Returns once a majority has what was inserted.
    ///
    /// A write that changes nothing waits for all that its primary wrote before. Where that is not the primary that took
    /// the inserts, or where nobody says which one it is, they are made again: what is lost then is there again, and what
    /// was done meanwhile is done twice, which changes nothing.
    private func makeDurable(_ tasks: [AnalysisTask], _ batch: BSONBatch, inserted: MongoBulkResult) async throws {
        let barrier = try await durable.bulkWrite([.deleteOne(filter: ["_id": "barrier"])])
        try barrier.throwIfAny()
        if let election = inserted.electionID, election == barrier.electionID { return }
        try await renewEarlier(tasks, met: durable.insertMany(batch))
    }

    package func remove(_ tasks: [AnalysisTask]) async throws {
        for (generation, tasks) in Dictionary(grouping: tasks, by: \.generation) {
            _ = try await quick.deleteMany([
                "_id": ["$in": .array(tasks.map(\.requestID.uuid))], "generation": ["$lte": .int(generation)],
            ])
        }
    }

    package func claim(limit: Int, worker: String, leaseDuration: Duration) async throws -> [Claim] {
        let found = try await lost.find { try await claimed(under: $0, leaseDuration: leaseDuration) }
        if !found.isEmpty { return found }
        if nextWaitCheck.isDue() { try await bringBack(leaseDuration) }
        if limit == 1 { return try await claimOne(worker: worker, leaseDuration: leaseDuration) }
        var options = MongoFindOptions()
        options.sort = StoredTask.byWaiting
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
            let won = try await lost.noting(token) { () -> [BSONDocument] in
                // By their ids: the claim index would lead through the whole backlog.
                guard try await quick.updateMany(filter, update, hint: ["_id": 1]).matched > 0 else { return [] }
                return try await quick.find(["_id": ["$in": ids], "lease.token": .uuid(token.uuid)])
            }
            if !won.isEmpty { return await claims(won).inOrder(of: found) }
        }
        return []
    }

    /// What leased documents stand for. Those whose keys are no request's are taken out of the queue.
    private func claims(_ documents: [BSONDocument]) async -> [Claim] {
        var claims: [Claim] = []
        var strays: [BSONValue] = []
        var problem = ""
        for document in documents {
            do {
                claims.append(try StoredTask.readClaim(document))
            } catch {
                problem = "\(error)"
                if let id = document["_id"] { strays.append(id) }
            }
        }
        guard !strays.isEmpty else { return claims }
        Counter(label: "quartet_queue_strays_total").increment(by: strays.count)
        logger?.warning(
            "documents of the queue that are no tasks were put aside",
            metadata: ["ids": "\(strays.prefix(10))", "count": "\(strays.count)", "error": "\(problem)"])
        // Where that fails, their leases run out and they are met again.
        _ = try? await quick.bulkWrite([StoredTask.removal(ofStrays: strays, problem)])
        return claims
    }

    private func bringBack(_ leaseDuration: Duration) async throws {
        let (filter, update) = StoredTask.bringBack(dueLaterThan: max(configuration.waitMax, leaseDuration * 2))
        let count = try await quick.updateMany(filter, update).matched
        guard count > 0 else { return }
        logger?.warning(
            "tasks were due later than they can be, as after a clock was set back: they are due now",
            metadata: ["count": "\(count)"])
    }

    /// In one round trip.
    private func claimOne(worker: String, leaseDuration: Duration) async throws -> [Claim] {
        let token = LeaseToken()
        let update = StoredTask.claim(token: token, worker: worker, leaseDuration: leaseDuration)
        let options = MongoFindAndModifyOptions(returnsNew: true, sort: StoredTask.byWaiting)
        let claimed = try await lost.noting(token) {
            try await quick.findOneAndUpdate(StoredTask.claimable, update, options)
        }
        return await claims(claimed.map { [$0] } ?? [])
    }

    /// What was claimed under these tokens and never heard of, with leases that begin now. They are among the tasks that wait.
    private func claimed(under tokens: [LeaseToken], leaseDuration: Duration) async throws -> [Claim] {
        let held: BSONDocument = ["state": "live", "lease.token": ["$in": .array(tokens.map(\.uuid))]]
        let update = StoredTask.renewal(leaseDuration: leaseDuration)
        guard try await quick.updateMany(held, update).matched > 0 else { return [] }
        return await claims(try await quick.find(held))
    }

    package func renew(_ leases: [Lease], leaseDuration: Duration) async throws -> [Bool] {
        let update = StoredTask.renewal(leaseDuration: leaseDuration)
        return try await changeHeld(leases) { indexes in
            try await quick.updateMany(StoredTask.under(indexes.map { leases[$0] }), update).matched
        }
    }

    package func release(_ releases: [TaskRelease]) async throws -> [Bool] {
        try await changeHeld(releases.map(\.lease)) { indexes in
            try await bulkWrite(indexes.map { StoredTask.release(releases[$0]) }, to: quick)
        }
    }

    package func acknowledge(_ leases: [Lease]) async throws -> [Bool] {
        try await changeHeld(leases) { indexes in
            try await quick.deleteMany(StoredTask.under(indexes.map { leases[$0] }))
        }
    }

    package func bury(_ burials: [TaskBurial]) async throws -> [Bool] {
        try await changeHeld(burials.map(\.lease)) { indexes in
            try await bulkWrite(indexes.map { StoredTask.burial(burials[$0]) }, to: durable)
        }
    }

    package func dead(after: RequestID?, limit: Int) async throws -> [DeadTask] {
        var tasks: [DeadTask] = []
        var after: BSONValue = after.map { .uuid($0.uuid) } ?? .minKey
        // A page has as many as it can: one that can't be read is not its end.
        while tasks.count < limit {
            let options = MongoFindOptions(sort: ["_id": 1], limit: limit - tasks.count)
            let found = try await durable.find(["state": "dead", "_id": ["$gt": after]], options)
            tasks += found.compactMap { try? StoredTask.readDead($0) }
            guard found.count == options.limit, let last = found.last?["_id"] else { break }
            after = last
        }
        return tasks
    }

    package func dead(_ ids: [RequestID]) async throws -> [DeadTask?] {
        guard !ids.isEmpty else { return [] }
        let found = try await durable.find(["_id": ["$in": .array(ids.map(\.uuid))], "state": "dead"])
            .compactMap { try? StoredTask.readDead($0) }
        let byID = Dictionary(found.map { ($0.task.requestID, $0) }) { first, _ in first }
        return ids.map { byID[$0] }
    }

    package func depth() async throws -> QueueDepth {
        // A constant instead of $$NOW, so that the index alone answers.
        let now = BSONValue.date(milliseconds: try await clock.now())
        async let claimable = count(["state": "live", "available_at": ["$lte": now]])
        async let waiting = count(["state": "live", "available_at": ["$gt": now]])
        async let dead = count(["state": "dead"])
        return try await QueueDepth(claimable: claimable, waiting: waiting, dead: dead)
    }

    private func count(_ filter: BSONDocument) async throws -> Int {
        try await quick.countDocuments(filter, limit: configuration.countMax)
    }

    /// Changes the tasks that are held under these leases, and says for each lease whether it held.
    ///
    /// One lease is found by the change itself. More are looked up first: a change may remove what tells under which lease it was made. `change` gets the
    /// indexes of those that hold, and returns how many tasks it changed. It may name them by `StoredTask.under`: a token
    /// is in use for no claim but its own, which is complete, so no other task comes under it meanwhile.
    private func changeHeld(_ leases: [Lease], _ change: ([Int]) async throws -> Int) async throws -> [Bool] {
        guard !leases.isEmpty else { return [] }
        if leases.count == 1 { return [try await change([0]) > 0] }
        let held = try await held(leases)
        let indexes = leases.indices.filter { held.contains(leases[$0]) }
        guard !indexes.isEmpty else { return leases.map { _ in false } }
        guard try await change(indexes) < held.count else { return leases.map(held.contains) }
        // Some lease was taken over since: those tasks are there under another one.
        let options = MongoFindOptions(projection: ["lease.token": 1])
        let ids = BSONValue.array(held.map(\.requestID.uuid))
        let present = try await quick.find(["_id": ["$in": ids], "lease": ["$exists": true]], options)
        let now = Set(try present.map(StoredTask.readLease))
        let lost = Set(now.subtracting(held).map(\.requestID))
        return leases.map { held.contains($0) && !lost.contains($0.requestID) }
    }

    private func held(_ leases: [Lease]) async throws -> Set<Lease> {
        let options = MongoFindOptions(projection: ["lease.token": 1])
        let present = try await quick.find(StoredTask.under(leases), options)
        return Set(try present.map(StoredTask.readLease)).intersection(leases)
    }

    private func bulkWrite(_ writes: [MongoWrite], to collection: MongoCollection) async throws -> Int {
        let result = try await collection.bulkWrite(writes)
        try result.throwIfAny()
        return result.matched
    }
}

extension [Claim] {
    /// The claims in the order of the documents that were found, which is that of their waiting.
    fileprivate func inOrder(of documents: [BSONDocument]) -> [Claim] {
        let claims = Dictionary(map { ($0.task.requestID, $0) }) { first, _ in first }
        return documents.compactMap { (try? $0.decode("_id", as: UUID.self)).flatMap { claims[RequestID($0)] } }
    }
}

/// When something is to be looked at again.
private final class NextCheck: Sendable {
    private let interval: Duration
    private let next = Mutex(ContinuousClock.now)

    init(every interval: Duration) {
        self.interval = interval
    }

    func isDue() -> Bool {
        next.withLock { next in
            guard next <= .now else { return false }
            next = .now.advanced(by: interval)
            return true
        }
    }
}
