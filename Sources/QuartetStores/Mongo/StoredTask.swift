import ClientSupport
import Foundation
import Mongo
import QuartetCore

/// A task as a document of `analysis_queue`:
///
///     {_id: request, product_id, generation, state: "live" | "dead", available_at, attempt, lapses?, enqueued_at,
///      lease?: {token, worker, claimed_at}, last_error?, buried_at?}
///
/// Every date is the server's.
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
            filter: ["_id": .uuid(task.requestID.uuid), "generation": ["$lt": .int(task.generation)]],
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

    /// Leases a task until `leaseDuration` from now.
    static func claim(token: LeaseToken, worker: String, leaseDuration: Duration) -> MongoUpdate {
        [
            [
                "$set": [
                    "lease": [
                        "token": .uuid(token.uuid), "worker": ["$literal": .string(worker)], "claimed_at": "$$NOW",
                    ],
                    "available_at": later(by: leaseDuration),
                    "attempt": ["$add": ["$attempt", 1]],
                    // Whoever still has a lease has let it run out: all others gave the task back.
                    "lapses": [
                        "$add": [["$ifNull": ["$lapses", 0]], ["$cond": [["$gt": ["$lease", .null]], 1, 0]]]
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
        if release.refundingAttempt { fields.append("attempt", ["$max": [0, ["$subtract": ["$attempt", 1]]]]) }
        if let error = release.error { fields.append("last_error", ["$literal": .string(error)]) }
        return .updateOne(
            filter: under(release.lease), update: [["$set": .document(fields)], ["$unset": ["lease"]]])
    }

    static func burial(_ burial: TaskBurial) -> MongoWrite {
        .updateOne(
            filter: under(burial.lease),
            update: [
                "$set": ["state": "dead", "last_error": .string(burial.error)], "$unset": ["lease": ""],
                "$currentDate": ["buried_at": true],
            ])
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

    /// The claim that a leased document stands for.
    static func readClaim(_ document: BSONDocument) throws -> Claim {
        Claim(
            task: try readTask(document), attempt: try document.decode("attempt"),
            lapses: try document.decode("lapses"), lease: try readLease(document))
    }

    static func readDead(_ document: BSONDocument) throws -> DeadTask {
        DeadTask(
            task: try readTask(document), attempts: try document.decode("attempt"),
            error: try document.decode("last_error"), buriedAt: try document.decode("buried_at"))
    }

    private static func readTask(_ document: BSONDocument) throws -> AnalysisTask {
        guard let productID = ProductID(try document.decode("product_id", as: String.self)) else {
            throw BSONError(.malformed, key: "product_id")
        }
        return AnalysisTask(
            requestID: RequestID(try document.decode("_id")), productID: productID,
            generation: try document.decode("generation"))
    }

    static func readLease(_ document: BSONDocument) throws -> Lease {
        let lease = try document.decode("lease", as: BSONDocument.self)
        return Lease(
            requestID: RequestID(try document.decode("_id")), token: LeaseToken(try lease.decode("token")))
    }

    private static func later(by duration: Duration) -> BSONValue {
        ["$add": ["$$NOW", .int64(duration.wholeMilliseconds)]]
    }
}
