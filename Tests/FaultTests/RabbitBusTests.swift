import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// The pipeline's events over RabbitMQ in place of Kafka.
@Suite(.serialized, .enabled(if: RabbitServer.isInstalled, "RabbitMQ is not installed")) struct RabbitBusTests {
    private static let settings = ["EVENTS_BUS": "rabbitmq", "RABBITMQ_RETRY_DELAY": "100ms"]

    @Test(.timeLimit(.minutes(4)))
    func theBusIsKilledFrozenAndWipedAndNothingIsLost() async throws {
        try await withSystem { system, rabbit in
            let (_, shop) = try await system.serve(
                with: ["relay", "work"], settings: ["QUARTET_API_CACHE_DELAY_MAX": "1s"])
            let invalidate = try system.start(["invalidate"], settings: TestProcess.servingMetrics)
            try await shop.addProduct("p", reviews: 2)
            let first = try await shop.submitted("p")
            #expect(try await shop.closed(first).status == "completed")
            try await expectShown(first, shop)
            // Kafka carries nothing of it.
            #expect(try await system.stores.records(ofTopic: EventTopic.analysis.rawValue).isEmpty)

            for harm in [Harm.kill, .freeze, .wipe] {
                let before = try await applied(invalidate)
                let id: RequestID
                switch harm {
                case .kill:
                    await rabbit.kill()
                    id = try await shop.submitted("p")
                    #expect(try await shop.closed(id).status == "completed")
                    try await rabbit.start()
                case .freeze:
                    await rabbit.suspend()
                    id = try await shop.submitted("p")
                    #expect(try await shop.closed(id).status == "completed")
                    await rabbit.resume()
                case .wipe:
                    try await rabbit.wipe()
                    try await rabbit.start()
                    id = try await shop.submitted("p")
                    #expect(try await shop.closed(id).status == "completed")
                }
                try await eventually("the events since \(harm) are applied") {
                    try await applied(invalidate) > before
                }
                try await expectShown(id, shop)
            }
            try await eventually("nothing waits") {
                // It fails while queues are still made again.
                guard let topology = try? await system.finish(["events", "topology"]) else { return false }
                return topology.contains(" 0 waiting, 1 consumers, 0 put aside")
            }
            #expect(try await system.finish(["migrate"]).contains("rabbitmq: up to date"))
            #expect(try await invalidate.stop() == .status(0))
            try await expectNoCacheWithoutInvalidator(system, shop)
        }
    }

    /// What waits in the queue for longer than it may be on its way is not waited for, and said.
    private func expectNoCacheWithoutInvalidator(_ system: QuartetSystem, _ shop: Shop) async throws {
        #expect(try await shop.call(.put, "/v1/products/p", json: #"{"name": "new"}"#).status == 200)
        try await eventually("reads go to PostgreSQL") {
            try await shop.call(.get, "/v1/products/p").header("Cache-Status")
                == "quartet; fwd=bypass; detail=invalidations-behind"
        }
        #expect(try await shop.call(.get, "/readyz").text.contains("invalidations"))
        _ = try system.start(["invalidate"])
        try await eventually("the cache is read again") {
            try await shop.call(.get, "/v1/products/p").header("Cache-Status") == "quartet; hit"
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func lettersAreListedRedrivenAndDropped() async throws {
        try await withSystem { system, _ in
            let (_, shop) = try await system.serve(with: ["relay", "work", "invalidate"])
            try await shop.addProduct("p", reviews: 2)
            let request = try await shop.submitted("p")
            #expect(try await shop.closed(request).status == "completed")
            // An event whose aggregate is of another kind, as a service with an error would write it.
            _ = try await system.stores.rows(
                "SELECT events.emit('product.updated', 'no id: ' || chr(9), 5::bigint, '{\"name\": \"x\"}'::json)")
            let letter = try await letters(system, count: 1)[0]
            #expect(letter.contains("the subject is no product's id"))
            let name = try #require(letter.firstMatch(of: /"event":"([^"]+)"/)).output.1
            #expect(
                try await system.finish(["events", "dead", "show", String(name)]).contains("ce_type: product.updated"))
            _ = try await system.finish(["events", "dead", "redrive", "--all"])
            // It is no better than before.
            let again = try await letters(system, count: 1)[0]
            #expect(!again.contains(name))
            _ = try await system.finish(["events", "dead", "drop", "--all"])
            _ = try await letters(system, count: 0)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func whatIsWrongIsToldInOneLine() async throws {
        try await withSystem { system, rabbit in
            let cases = [
                (["RABBITMQ_URL": ""], "rabbitmq.url: is required where events go over rabbitmq"),
                (["RABBITMQ_URL": "http://a"], "rabbitmq.url: not a URL like amqp://"),
                (["RABBITMQ_URL": rabbit.url + "/elsewhere"], "rabbitmqctl add_vhost"),
                (["RABBITMQ_URL": rabbit.url.replacing("//", with: "//guest:wrong@")], "password or rights are wrong"),
                (["EVENTS_TOPICS": "user.events=mail"], "topics with their buses like user.events=rabbitmq"),
            ]
            for (settings, words) in cases {
                let process = try system.start(["migrate"], settings: settings)
                #expect(try await process.waitForEnd() == .status(1))
                let last = process.log.split(separator: "\n").last ?? ""
                #expect(last.contains(words), "\(process.log)")
                #expect(!process.log.contains("wrong@"))
            }
        }
    }

    /// Its queue is deleted, and made again by somebody who has it otherwise.
    @Test(.timeLimit(.minutes(4)), arguments: ["project", "invalidate"])
    func aConsumerWhoseQueueIsDeletedOrSomebodyElsesGoesOn(_ role: String) async throws {
        try await withSystem { system, rabbit in
            let (_, shop) = try await system.serve(with: ["relay", "work"])
            let consumer = try system.start([role], settings: TestProcess.servingMetrics)
            let own = role == "project" ? "users_view" : role
            try await change(shop)
            try await eventually("it applies") { try await applied(consumer, by: own) > 0 }
            let name = role == "project" ? "my.users_view" : "\(system.name).\(role)"
            let before = try await applied(consumer, by: own)
            #expect(try await rabbit.control(["delete_queue", name]))
            try await eventually("it says so") {
                consumer.log.contains("the server ended the consumer of \(name): was the queue deleted?")
            }
            try await change(shop)
            try await eventually("it goes on") { try await applied(consumer, by: own) > before }

            // At once, and while the consumer can't make it again.
            consumer.signal(SIGSTOP)
            let declared = #"""
                N = rabbit_misc:r(<<"/">>, queue, <<"\#(name)">>), {ok, Q} = rabbit_amqqueue:lookup(N),
                rabbit_amqqueue:delete(Q, false, false, <<"x">>),
                rabbit_amqqueue:declare(N, true, false, [], none, <<"x">>).
                """#
            #expect(try await rabbit.control(["eval", declared]))
            let migrate = try system.start(["migrate"])
            #expect(try await migrate.waitForEnd() == .status(1))
            consumer.signal(SIGCONT)
            #expect(migrate.log.contains("PRECONDITION_FAILED") && migrate.log.contains("delete it"))
            #expect(migrate.log.contains("'\(name)'"))
            // Whatever it is, events go on.
            let relay = try await applied(consumer, by: own)
            try await change(shop)
            try await eventually("it goes on with it") { try await applied(consumer, by: own) > relay }
        }
    }

    private func change(_ shop: Shop) async throws {
        let user = #"{"nickname": "a", "name": "a", "email": "a"}"#
        #expect(try await shop.call(.put, "/v1/users/\(UUID())", json: user).status == 200)
        try await shop.addProduct("p-\(UUID())", reviews: 1)
    }

    private enum Harm { case kill, freeze, wipe }

    private func withSystem(_ body: (QuartetSystem, RabbitServer) async throws -> Void) async throws {
        try await QuartetSystem.withPrivateStack(hasRabbit: true) { stack in
            let rabbit = try #require(stack.rabbit)
            let settings = Self.settings.merging(["RABBITMQ_URL": rabbit.url]) { $1 }
            try await QuartetSystem.run(on: stack, settings: settings) { try await body($0, rabbit) }
        }
    }

    /// What a consumer of the process has applied; all of them unless one is named.
    private func applied(_ process: TestProcess, by consumer: String? = nil) async throws -> Double {
        let of = consumer.map { #"{consumer="\#($0)"}"# } ?? ""
        return try await process.metric("quartet_events_applied_total\(of)")
    }

    private func expectShown(_ id: RequestID, _ shop: Shop) async throws {
        try await eventually("the product shows \(id)") {
            try await shop.call(.get, "/v1/products/p/analysis").text.contains("\(id)")
        }
    }

    private func letters(_ system: QuartetSystem, count: Int) async throws -> [String] {
        try await eventually("\(count) events were put aside") { () -> [String]? in
            let lines = try await system.finish(["events", "dead", "list", "--json"]).split(separator: "\n")
            return lines.count == count ? lines.map(String.init) : nil
        }
    }
}
