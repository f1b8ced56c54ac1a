import ClientSupport
import QuartetStack
import QuartetTesting
import RabbitMQ
import Testing

@Suite struct MessageTests {
    @Test func messagesArriveWholeInOrderAndOnce() async throws {
        let route = Route()
        let configuration = TestServer.configuration(of: try await TestServer.shared)
        let publisher = RabbitPublisher(configuration, topology: route.topology, logger: .silent)
        #expect(try await publisher.takeMadeQueues() == [route.queue])
        #expect(try await publisher.takeMadeQueues() == [])
        // More than one window, and bodies of one frame, of many and of none.
        let large = String(repeating: "x", count: 400_000)
        let bodies = (0..<2500).map { "\($0)" } + ["", large, "end"]
        try await publisher.deliver(bodies.map { route.message($0) })
        let consumer = RabbitConsumer(configuration, queue: route.queue, prefetch: 100, logger: .silent)
        let first = try #require(try await consumer.next(max: 1, timeout: .seconds(20)).first)
        #expect(first.text("kind") == "text" && first.integer("version") == .max && !first.isRedelivered)
        #expect(first.headers.contains(RabbitHeader("is", .flag(true))))
        #expect(first.exchange == route.exchange && first.routingKey == "a.b")
        let rest = try await consumer.texts(bodies.count - 1)
        #expect(["0"] + rest == bodies)
        await consumer.close(deadline: .after(.seconds(5)))
        let admin = RabbitAdmin(configuration, logger: .silent)
        #expect(try await admin.state(of: route.queue)?.messages == 0)
        await publisher.close(deadline: .after(.seconds(5)))
        let closed = try await rabbitError { try await publisher.deliver([route.message("late")]) }
        #expect(closed.code == .closed && !closed.mayHaveHappened)
    }

    @Test func whatIsNotAcknowledgedComesAgain() async throws {
        let route = Route()
        let configuration = TestServer.configuration(of: try await TestServer.shared)
        let publisher = RabbitPublisher(configuration, topology: route.topology, logger: .silent)
        try await publisher.deliver(route.messages(0..<10))
        let first = RabbitConsumer(configuration, queue: route.queue, logger: .silent)
        var taken: [RabbitDelivery] = []
        try await eventually("all of it") {
            taken += try await first.next(max: 10, timeout: .seconds(5))
            return taken.count == 10
        }
        #expect(try await first.acknowledge(taken[3]))
        await first.close(deadline: .after(.seconds(5)))
        let second = RabbitConsumer(configuration, queue: route.queue, logger: .silent)
        #expect(try await second.texts(6) == (4..<10).map(String.init))
        // A tag of another connection would be another message's.
        await second.close(deadline: .after(.seconds(5)))
        #expect(try await second.acknowledge(taken[9]) == false)
    }

    @Test func noMoreIsSentAheadThanWasAskedFor() async throws {
        let route = Route()
        let configuration = TestServer.configuration(of: try await TestServer.shared)
        let publisher = RabbitPublisher(configuration, topology: route.topology, logger: .silent)
        try await publisher.deliver(route.messages(0..<50))
        let consumer = RabbitConsumer(configuration, queue: route.queue, prefetch: 5, logger: .silent)
        var taken: [RabbitDelivery] = []
        while taken.count < 5 { taken += try await consumer.next(max: 50, timeout: .seconds(20)) }
        #expect(taken.count == 5)
        #expect(try await consumer.next(max: 50, timeout: .milliseconds(50)).isEmpty)
        try await consumer.acknowledge(taken[4])
        #expect(try await consumer.texts(45) == (5..<50).map(String.init))
    }

    @Test func aMessageThatNoQueueIsBoundForIsAnErrorOfItsOwn() async throws {
        let route = Route()
        let configuration = TestServer.configuration(of: try await TestServer.shared)
        let publisher = RabbitPublisher(configuration, topology: route.topology, logger: .silent)
        var optional = route.message("3", key: "b")
        optional.isMandatory = false
        let results = try await publisher.publish(
            [route.message("1"), route.message("2", key: "b"), optional, route.message("4")])
        #expect(results.map { (try? $0.get()) != nil } == [true, false, true, true])
        guard case .failure(let error) = results[1] else { return }
        #expect(error.code == .unroutable && !error.mayHaveHappened && error.message.contains("quartet migrate"))
        let nowhere = RabbitMessage(exchange: TestStack.uniqueName("none"), routingKey: "a", body: [])
        let lost = try await rabbitError { try await publisher.deliver([nowhere]) }
        #expect(lost.code == .notFound)
        // The connection that the server closed over it is made again.
        try await publisher.deliver([route.message("5")])
    }

    @Test func whatCanNotBeSentIsRefusedAndWhatIsBehindItStays() async throws {
        let route = Route()
        var configuration = TestServer.configuration(of: try await TestServer.shared)
        configuration.messageBytesMax = 1000
        let publisher = RabbitPublisher(configuration, topology: route.topology, logger: .silent)
        var headed = route.message("3")
        headed.headers = [RabbitHeader("h", String(repeating: "h", count: 140_000))]
        var named = route.message("4")
        named.headers = [RabbitHeader(String(repeating: "n", count: 256), "")]
        let large = route.message(String(repeating: "x", count: 1001))
        for bad in [headed, named, large, route.message("5", key: String(repeating: "a", count: 256))] {
            let results = try await publisher.publish([route.message("1"), bad, route.message("2")])
            #expect(results.map { (try? $0.get()) != nil } == [true, false, false])
            guard case .failure(let error) = results[1] else { continue }
            #expect(error.code == .invalid && !error.isRetriable)
        }
        #expect(await publisher.connections == 1)
    }

    @Test func expiredMessagesGoToTheDeadLetterExchange() async throws {
        let route = Route()
        let configuration = TestServer.configuration(of: try await TestServer.shared)
        var topology = route.topology
        let waiting = route.queue + ".retry"
        topology.queues.append(
            .init(
                waiting,
                arguments: [
                    RabbitHeader("x-dead-letter-exchange", ""), RabbitHeader("x-dead-letter-routing-key", route.queue),
                ]))
        let publisher = RabbitPublisher(configuration, topology: topology, logger: .silent)
        var message = RabbitMessage(exchange: "", routingKey: waiting, body: Array("later".utf8))
        message.expiration = .milliseconds(20)
        try await publisher.deliver([message])
        let consumer = RabbitConsumer(configuration, queue: route.queue, logger: .silent)
        let delivery = try #require(try await consumer.next(max: 1, timeout: .seconds(20)).first)
        #expect(delivery.body == Array("later".utf8))
        // Nested tables of headers are not looked into.
        #expect(delivery.headers.contains { $0.name == "x-death" && $0.value == .other })
    }

    @Test func messagesAreTakenOneByOneAndGoBack() async throws {
        let route = Route()
        let configuration = TestServer.configuration(of: try await TestServer.shared)
        let publisher = RabbitPublisher(configuration, topology: route.topology, logger: .silent)
        try await publisher.deliver(route.messages(0..<3))
        let admin = RabbitAdmin(configuration, logger: .silent)
        var taken: [RabbitDelivery] = []
        while let next = try await admin.take(from: route.queue) { taken.append(next) }
        #expect(taken.map { String(decoding: $0.body, as: UTF8.self) } == ["0", "1", "2"])
        try await admin.acknowledge(taken[1])
        await admin.disconnect()
        try await eventually("back") { try await admin.state(of: route.queue)?.messages == 2 }
        await #expect(throws: RabbitError.self) { try await admin.acknowledge(taken[0]) }
        #expect(try await admin.state(of: "no such queue") == nil)
    }
}
