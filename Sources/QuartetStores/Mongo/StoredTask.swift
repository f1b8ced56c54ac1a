import ClientSupport
import Foundation
import Mongo
import QuartetCore

/// A task as a document of `analysis_queue`:
///
///     {_id: request, product_id, generation, state: "live" | "dead", available_at, attempt, lapses?, enqueued_at,
///      lease?: {token, worker, claimed_at}, last_error?, buried_at?}
///
/// Every date is the server's. A document whose `_id` is no UUID gets the state "stray" and stays for whoever looks.
enum StoredTask {
    static func write(_ task: AnalysisTask, enqueuedAt: Int64, to document: inout BSONWriter) {
        document.append("_id", task.requestID.uuid)
        document.append("product_id", task.productID.text)
        document.append("generation", Int32(clamping: task.generation))
        document.append("state", "live")
        document.append("available_at", milliseconds: enqueuedAt)
        document.append("attempt", Int32(0))
        document.append("enqueued_at", milliseconds: enqueuedAt)
    }

    /// Begins a task afresh in a later generation, whether or not the earlier one is still there. Where what is there is
    /// not earlier, the insert meets its key.
    static func renewal(of task: AnalysisTask) -> MongoWrite {
        .updateOne(
            filter: [
                "_id": .uuid(task.requestID.uuid),
                "$or": [
                    ["generation": ["$not": ["$gte": .int(task.generation)]]], ["$nor": [.document(readable)]],
                ],
            ],
            update: [
                [
                    "$set": [
                        "product_id": ["$literal": .string(task.productID.text)],
                        "generation": .int32(Int32(clamping: task.generation)), "state": "live", "attempt": 0,
                        "available_at": "$$NOW", "enqueued_at": "$$NOW",
                    ]
                ],
                ["$unset": ["lease", "lapses", "last_error", "buried_at"]],
            ],
            upsert: true)
    }

    /// What a task has that is one; nothing else stands in the way of its generation.
    static let readable: BSONDocument = [
        "state": ["$in": ["live", "dead"]],
        "generation": ["$type": ["int", "long"], "$gte": 1, "$lte": .int32(.max)],
    ]

    /// Leases a task until `leaseDuration` from now.
    static func claim(token: LeaseToken, worker: String, leaseDuration: Duration) -> MongoUpdate {
        [
            [
                "$set": [
                    "lease": [
                        "token": .uuid(token.uuid), "worker": ["$literal": .string(worker)], "claimed_at": "$$NOW",
                    ],
                    "available_at": later(by: leaseDuration),
                    // What is no number would fail the claims of all others too.
                    "attempt": ["$add": [number("$attempt"), 1]],
                    // Whoever still has a lease has let it run out: all others gave the task back.
                    "lapses": [
                        "$add": [number("$lapses"), ["$cond": [["$gt": ["$lease", .null]], 1, 0]]]
                    ],
                ]
            ]
        ]
    }

    static func renewal(leaseDuration: Duration) -> MongoUpdate {
        [["$set": ["available_at": later(by: leaseDuration)]]]
    }

    static func release(_ release: TaskRelease) -> MongoWrite {
        var fields: BSONDocument = ["available_at": later(by: release.delay)]
        if release.refundingAttempt {
            fields.append("attempt", ["$max": [0, ["$subtract": [number("$attempt"), 1]]]])
        }
        if let error = release.error { fields.append("last_error", ["$literal": .string(error)]) }
        return .updateOne(
            filter: under(release.lease), update: [["$set": .document(fields)], ["$unset": ["lease"]]])
    }

    static func burial(_ burial: TaskBurial) -> MongoWrite {
        if let task = burial.replacement { return replacement(by: task, burial) }
        return .updateOne(
            filter: under(burial.lease),
            update: [
                "$set": ["state": "dead", "last_error": .string(burial.error)], "$unset": ["lease": ""],
                "$currentDate": ["buried_at": true],
            ])
    }

    /// Of a document that can't be read nothing is kept.
    private static func replacement(by task: AnalysisTask, _ burial: TaskBurial) -> MongoWrite {
        .updateOne(
            filter: under(burial.lease),
            update: [
                [
                    "$replaceWith": [
                        "_id": "$_id", "product_id": ["$literal": .string(task.productID.text)],
                        "generation": .int32(Int32(clamping: task.generation)), "state": "dead", "attempt": 1,
                        "available_at": "$$NOW", "enqueued_at": "$$NOW", "buried_at": "$$NOW",
                        "last_error": ["$literal": .string(burial.error)],
                    ]
                ]
            ])
    }

    /// Takes documents out of the queue whose keys are no request's.
    static func removal(ofStrays ids: [BSONValue], _ error: String) -> MongoWrite {
        .updateMany(
            filter: ["_id": ["$in": .array(ids)]],
            update: ["$set": ["state": "stray", "last_error": .string(error)], "$unset": ["lease": ""]])
    }

    /// Makes tasks claimable that are due later than anything can be: the clock of a server was set back, or was ahead of
    /// that of the next one.
    static func bringBack(dueLaterThan wait: Duration) -> (filter: BSONDocument, update: MongoUpdate) {
        (
            ["state": "live", "$expr": ["$gt": ["$available_at", later(by: wait)]]],
            [["$set": ["available_at": "$$NOW"]]]
        )
    }

    /// Leaves a dead task, in place of one that is not of a later generation or where there is none.
    static func grave(of task: AnalysisTask, error: String) -> MongoWrite {
        .updateOne(
            filter: ["_id": .uuid(task.requestID.uuid), "generation": ["$lte": .int(task.generation)]],
            update: [
                [
                    "$set": [
                        "product_id": ["$literal": .string(task.productID.text)],
                        "generation": .int32(Int32(clamping: task.generation)), "state": "dead",
                        "attempt": ["$ifNull": ["$attempt", 0]],
                        "available_at": ["$ifNull": ["$available_at", "$$NOW"]],
                        "enqueued_at": ["$ifNull": ["$enqueued_at", "$$NOW"]], "buried_at": "$$NOW",
                        "last_error": ["$literal": .string(error)],
                    ]
                ],
                ["$unset": "lease"],
            ],
            upsert: true)
    }

    /// Tasks that can be claimed now. The bounds of the index follow from it.
    static let claimable: BSONDocument = [
        "state": "live", "$expr": ["$lte": ["$available_at", "$$NOW"]],
    ]

    /// Those that have waited longest first.
    static let byWaiting: BSONDocument = ["available_at": 1, "_id": 1]

    /// Tasks of these leases' requests under any of their tokens: every task that is held, and at most a few more, since a
    /// token stands for a whole claim.
    static func under(_ leases: some Collection<Lease>) -> BSONDocument {
        let tokens = Set(leases.map(\.token.uuid))
        return [
            "_id": ["$in": .array(leases.map(\.requestID.uuid))], "lease.token": ["$in": .array(tokens)],
        ]
    }

    private static func under(_ lease: Lease) -> BSONDocument {
        ["_id": .uuid(lease.requestID.uuid), "lease.token": .uuid(lease.token.uuid)]
    }

    /// The claim that a leased document stands for, with its problem where it can't be read.
    ///
    /// - Throws: `BSONError` if its key is no request's.
    static func readClaim(_ document: BSONDocument) throws -> Claim {
        let lease = try readLease(document)
        do {
            return Claim(
                task: try readTask(document), attempt: try document.decode("attempt"),
                lapses: try document.decode("lapses"), lease: lease)
        } catch {
            guard let unknown = ProductID("unknown") else { throw error }
            return Claim(
                task: AnalysisTask(requestID: lease.requestID, productID: unknown, generation: 0), attempt: 1,
                lease: lease, problem: "\(error)")
        }
    }

    /// The error and the times are for people: a dead task without them is one all the same.
    static func readDead(_ document: BSONDocument) throws -> DeadTask {
        DeadTask(
            task: try readTask(document), attempts: (try? document.decode("attempt", as: Int.self)) ?? 0,
            error: (try? document.decode("last_error", as: String.self)) ?? "",
            buriedAt: (try? document.decode("buried_at", as: Date.self)) ?? Date(timeIntervalSince1970: 0))
    }

    private static func readTask(_ document: BSONDocument) throws -> AnalysisTask {
        guard let productID = ProductID(try document.decode("product_id", as: String.self)) else {
            throw BSONError(.malformed, key: "product_id")
        }
        let generation: Int = try document.decode("generation")
        // PostgreSQL counts in four bytes.
        guard (1...Int(Int32.max)).contains(generation) else { throw BSONError(.malformed, key: "generation") }
        return AnalysisTask(
            requestID: RequestID(try document.decode("_id")), productID: productID, generation: generation)
    }

    static func readLease(_ document: BSONDocument) throws -> Lease {
        let lease = try document.decode("lease", as: BSONDocument.self)
        return Lease(
            requestID: RequestID(try document.decode("_id")), token: LeaseToken(try lease.decode("token")))
    }

    private static func number(_ field: String) -> BSONValue {
        ["$cond": [["$isNumber": .string(field)], .string(field), 0]]
    }

    private static func later(by duration: Duration) -> BSONValue {
        ["$add": ["$$NOW", .int64(duration.wholeMilliseconds)]]
    }
}
