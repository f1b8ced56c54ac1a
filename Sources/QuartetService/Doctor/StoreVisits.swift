import ClientSupport
import Foundation
import Mongo
import QuartetStores

/// MongoDB: its server or replica set, and the collections.
struct MongoVisit: DoctorVisit {
    let client: MongoClient
    let deadline: @Sendable () -> Deadline

    let subject = "mongodb"
    let key = "mongodb.url"

    func lines() async throws -> [DoctorLine] {
        let before = Date.now.timeIntervalSince1970
        let hello = try await client.runCommand(["hello": 1], database: "admin", deadline: deadline())
        let after = Date.now.timeIntervalSince1970
        let version = try await client.runCommand(["buildInfo": 1], database: "admin", deadline: deadline())["version"]
        let set = hello["setName"]?.asString
        let words =
            "MongoDB \(version?.asString ?? "of an unknown version"), \(set.map { "replica set \($0)" } ?? "no replica set")"
        var lines: [DoctorLine] = []
        if set == nil, hello["msg"]?.asString != "isdbgrid" {
            lines.append(
                .warning(
                    subject, words,
                    advice: "make it a replica set, of three members where nothing may be lost with one machine"))
        } else {
            lines.append(.ok(subject, words))
        }
        if case .date(let milliseconds)? = hello["localTime"] {
            lines.append(.clock(subject, said: Double(milliseconds) / 1000, between: before, and: after))
        }
        if set != nil { lines += await members() }
        return try await lines + collections()
    }

    private func members() async -> [DoctorLine] {
        guard
            let status = try? await client.runCommand(["replSetGetStatus": 1], database: "admin", deadline: deadline()),
            case .array(let members)? = status["members"]
        else {
            return [.ok("\(subject), members", "not shown to this user, who lacks clusterMonitor")]
        }
        return members.compactMap { value in
            guard case .document(let member) = value else { return nil }
            let name = member["name"]?.asString ?? "unnamed"
            let state = member["stateStr"]?.asString ?? "in an unknown state"
            return member["health"]?.asDouble == 1 && ["PRIMARY", "SECONDARY", "ARBITER"].contains(state)
                ? .ok("\(subject), member \(name)", state)
                : .warning(
                    "\(subject), member \(name)", state,
                    advice: "start it, or look into its log: the set goes on without it only while most are there")
        }
    }

    private func collections() async throws -> [DoctorLine] {
        let needed = [
            MongoTaskQueue.collectionName, MongoSessionStore.collectionName, MongoCardStore.collectionName,
            MongoKeywordStore.collectionName, MongoReviewStore.collectionName,
        ]
        let reply = try await client.runCommand(
            ["listCollections": 1, "nameOnly": true, "cursor": ["batchSize": 10_000]], deadline: deadline())
        guard case .document(let cursor)? = reply["cursor"], case .array(let batch)? = cursor["firstBatch"] else {
            return []
        }
        let present = Set(
            batch.compactMap { value -> String? in
                guard case .document(let collection) = value else { return nil }
                return collection["name"]?.asString
            })
        return needed.map { name in
            // The others come with their first document.
            name != MongoTaskQueue.collectionName || present.contains(name)
                ? .ok("collection \(name)", present.contains(name) ? "there" : "not there yet")
                : .problem("collection \(name)", "not there", advice: "run `quartet migrate`")
        }
    }
}
