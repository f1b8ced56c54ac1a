import Foundation
import Kafka
import Mongo
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// What can't be worked on is put aside, with the reason, and its neighbours are unharmed.
@Suite(.serialized) struct PoisonTests {
    @Test(.timeLimit(.minutes(3)), arguments: TestBroker.present)
    func eventsThatAreNoneArePutAside(_ kafka: TestBroker) async throws {
        try await QuartetSystem.withPrivateStack(on: kafka) { stack in
            try await QuartetSystem.run(on: stack) { system in
                let (_, shop) = try await system.serve(with: ["relay", "work"])
                let invalidate = try system.start(["invalidate"], settings: TestProcess.servingMetrics)
                try await shop.addProduct("p", reviews: 5)
                let first = try await shop.submitted("p")
                #expect(try await shop.closed(first).status == "completed")
                #expect(try await shop.call(.get, "/v1/products/p/analysis").text.contains("\(first)"))

                let poison: [(value: String, reason: String)] = [
                    ("\u{0}\u{1}\u{2}", "no header ce_specversion"), ("", "the data is not JSON with"),
                    (#"{"product_id":"p","generation":1,"result_version":-1}"#, "can't have these values"),
                ]
                for (index, (value, _)) in poison.enumerated() {
                    try await system.stores.send(value, to: .analysis, asEvent: index > 0)
                }
                let second = try await shop.submitted("p")
                #expect(try await shop.closed(second).status == "completed")
                try await Story(system.stores).expectCompleted([first, second])
                #expect(try await shop.call(.get, "/v1/products/p/analysis").text.contains("\(second)"))

                let aside = try await eventually("the poison is put aside") { () -> [KafkaConsumedRecord]? in
                    let records = try await system.stores.records(ofTopic: EventTopic.analysis.deadLetters)
                    return records.count >= poison.count ? records : nil
                }
                #expect(aside.count == poison.count)
                for (value, reason) in poison {
                    let record = aside.first { String(decoding: $0.value ?? [], as: UTF8.self) == value }
                    let said = record?.header("dlq_reason").map { String(decoding: $0, as: UTF8.self) }
                    #expect(said?.contains(reason) == true, "\(value): \(said ?? "nothing")")
                    #expect(record?.header("dlq_offset") != nil)
                }
                #expect(try await invalidate.metric("quartet_dead_letters_total") == Double(poison.count))
                try await eventually("all is applied") { try await invalidate.metric("quartet_consumer_lag") == 0 }
                #expect(invalidate.end == nil)
            }
        }
    }

    /// A task is a copy: one that can't be read fails its own request, which can be asked for again.
    @Test(.timeLimit(.minutes(3)))
    func tasksThatCannotBeReadArePutAsideAlone() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve(with: ["relay"])
            try await shop.addProduct("p", reviews: 5)
            var ids: [RequestID] = []
            for _ in 0..<8 { ids.append(try await shop.submitted("p")) }
            try await eventually("the tasks are there") { [ids] in
                try await system.stores.documents("analysis_queue", [:]).count == ids.count
            }
            let spoiled: [BSONDocument] = [
                ["$unset": ["product_id": ""]], ["$set": ["generation": .double(.nan)]],
                ["$set": ["attempt": "three", "product_id": .int64(.max)]], ["$set": ["generation": .int64(1 << 40)]],
            ]
            for (id, change) in zip(ids, spoiled) { try await system.stores.spoilTask(id, change) }
            try await system.stores.addStray(["_id": "stray", "state": "live"])
            let late: BSONDocument = ["$set": ["available_at": .date(milliseconds: 1 << 46)]]
            try await system.stores.spoilTask(ids[7], late)

            let worker = try system.start(["work"], settings: TestProcess.servingMetrics)
            for id in ids.dropFirst(spoiled.count) { #expect(try await shop.closed(id).status == "completed") }
            for id in ids.prefix(spoiled.count) {
                let closed = try await shop.closed(id)
                #expect(closed.status == "failed", "\(id)")
                // The request fails first, then its task is put aside.
                try await eventually("\(id) is among the dead") {
                    try await shop.call(.get, "/v1/dead").text.contains("\(id)")
                }
            }
            #expect(worker.end == nil)
            // One that was claimed twice before it was dead counts twice.
            #expect(try await worker.metric("quartet_tasks_unreadable_total") >= Double(spoiled.count))
            #expect(try await worker.metric("quartet_queue_strays_total") == 1)
            try await system.expectConsistency()
            _ = try await shop.call(.post, "/v1/analyses/\(ids[0])/retry")
            #expect(try await shop.closed(ids[0]).status == "completed")
        }
    }

    /// Its lease may also run out while that is being written.
    @Test(.timeLimit(.minutes(3)))
    func aTaskThatCannotBeReadIsPutAsideByWhoeverComesNext() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve(with: ["relay"])
            try await shop.addProduct("p", reviews: 5)
            let id = try await shop.submitted("p")
            try await eventually("the task is there") { try await system.stores.task(of: id) != nil }
            try await system.stores.spoilTask(id, ["$set": ["generation": .double(.nan)]])
            let dying = try system.start(["work"], settings: Failpoint.failureStored.settings(hits: 1))
            #expect(try await dying.waitForEnd() == .signal(SIGKILL))
            #expect(try await shop.closed(id).status == "failed")
            _ = try system.start(["work"])
            try await eventually("it is among the dead") {
                try await shop.call(.get, "/v1/dead").text.contains("\(id)")
            }
            try await system.expectConsistency()
        }
    }

    /// No caller can send such a review; what is stored may still be damaged.
    @Test(.timeLimit(.minutes(3)))
    func aReviewThatCannotBeReadFailsItsRequestAlone() async throws {
        let settings = ["WORKER_ATTEMPTS_MAX": "3"]
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (others, shop) = try await system.serve(
                with: ["relay", "invalidate"], settings: TestProcess.servingMetrics)
            try await shop.addProduct("p", reviews: 5)
            try await shop.addProduct("q", reviews: 5)
            try await system.stores.spoilReview("r-100002", of: "p")
            var ids: [RequestID] = []
            for _ in 0..<6 {
                ids.append(try await shop.submitted("p"))
                ids.append(try await shop.submitted("q"))
            }
            let work = try system.start(["work"], settings: TestProcess.servingMetrics)
            for (index, id) in ids.enumerated() {
                let analysis = try await shop.closed(id)
                #expect(analysis.status == (index % 2 == 0 ? "failed" : "completed"))
                if index % 2 == 0 { #expect(analysis.failure?.isEmpty == false) }
            }
            let failed = ids.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
            try await Story(system.stores).expectFailed(failed)
            try await Story(system.stores).expectCompleted(ids.filter { !failed.contains($0) })
            for id in failed { #expect(try await system.stores.task(of: id)?.attempt == 3) }
            #expect(try await work.metric("quartet_tasks_buried_total") == 6)
            try await eventually("the dead tasks are counted") { try await others.metric("quartet_queue_tasks") == 6 }
        }
    }

    /// Whoever works on it dies, with all that the worker has in hand.
    @Test(.timeLimit(.minutes(5)))
    func aTaskThatKillsItsWorkersTakesNoOtherAlong() async throws {
        let settings = [
            "WORKER_REVIEWS_PER_CHUNK": "1", "WORKER_ATTEMPTS_MAX": "3", "WORKER_LEASE_DURATION": "2s",
            "WORKER_POLL_INTERVAL": "50ms",
        ]
        try await QuartetSystem.run(on: TestStack.shared, settings: settings) { system in
            let (_, shop) = try await system.serve(with: ["relay", "invalidate"])
            try await shop.addProduct("poison", reviews: 5_000)
            try await shop.addProduct("p", reviews: 400)
            let poison = try await shop.submitted("poison")
            var neighbours: [RequestID] = []
            for _ in 0..<8 { neighbours.append(try await shop.submitted("p")) }
            for round in 1...3 {
                let work = try system.start(["work"])
                func holds(_ id: RequestID) async throws -> Bool {
                    try await system.stores.worker(of: id)?.hasSuffix(":\(work.pid)") == true
                }
                try await eventually("the worker has the poison in hand, in the end alone") {
                    guard try await holds(poison) else { return false }
                    if round < 3 { return true }
                    // Suspects are claimed together and put back before any of them begins: that is not the moment.
                    for neighbour in neighbours where try await holds(neighbour) { return false }
                    return try await holds(poison)
                }
                await work.kill()
            }
            let work = try system.start(["work"])
            let failed = try await shop.closed(poison)
            #expect(failed.status == "failed")
            #expect(failed.failure?.contains("died at each of 3 attempts") == true)
            for id in neighbours { #expect(try await shop.closed(id).status == "completed", "\(work.lastWords)") }
            try await Story(system.stores).expectFailed([poison])
            try await Story(system.stores).expectCompleted(neighbours)
            try await system.expectConsistency()
        }
    }
}
