import ClientSupport
import QuartetTesting
import RabbitMQ
import Testing

@testable import QuartetStack

/// What a server or an operator has otherwise: one line that says what to do.
@Suite struct RefusalTests {
    @Test func aWrongPasswordIsToldAsSuch() async throws {
        var configuration = TestServer.configuration(of: try await TestServer.shared)
        configuration.password = "wrong-secret"
        let error = try await rabbitError { try await RabbitPublisher(configuration, logger: .silent).ping() }
        #expect(error.code == .accessRefused && !error.isRetriable && error.isUnavailable)
        #expect(error.message.contains("password") && !error.message.contains("wrong-secret"))
    }

    @Test func aVirtualHostThatIsNotThereIsToldWithWhatToDo() async throws {
        var configuration = TestServer.configuration(of: try await TestServer.shared)
        configuration.virtualHost = "elsewhere"
        let error = try await rabbitError { try await RabbitPublisher(configuration, logger: .silent).ping() }
        #expect(error.code == .noVirtualHost && error.message.contains("add_vhost"))
    }

    @Test func aQueueOfOthersWithOtherArgumentsIsLeftAsItIs() async throws {
        let route = Route()
        let configuration = TestServer.configuration(of: try await TestServer.shared)
        let admin = RabbitAdmin(configuration, logger: .silent)
        #expect(try await admin.declare(route.topology) == [route.queue])
        #expect(try await admin.declare(route.topology) == [])
        var other = route.topology
        other.queues = [.init(route.queue, arguments: [RabbitHeader("x-max-length", .integer(3))])]
        let neighbour = route.queue + ".neighbour"
        other.queues.append(.init(neighbour))
        let error = try await rabbitError { _ = try await admin.declare(other) }
        #expect(error.code == .preconditionFailed && !error.isRetriable)
        #expect(error.message.contains(route.queue) && error.message.contains("delete it"))
        #expect(try await admin.state(of: route.queue)?.messages == 0)
        // The others are there, and whoever publishes goes on.
        #expect(try await admin.state(of: neighbour)?.messages == 0)
        try await RabbitPublisher(configuration, topology: other, logger: .silent).deliver([route.message("a")])
        #expect(try await admin.state(of: route.queue)?.messages == 1)
    }

    @Test func aConsumerWhoseQueueIsDeletedSaysSoAndMakesItAgain() async throws {
        let route = Route()
        let server = try await TestServer.shared
        let configuration = TestServer.configuration(of: server)
        let consumer = RabbitConsumer(configuration, queue: route.queue, topology: route.topology, logger: .silent)
        #expect(try await consumer.next(max: 1, timeout: .milliseconds(1)).isEmpty)
        async let failed = rabbitError { while true { _ = try await consumer.next(max: 1, timeout: .seconds(20)) } }
        #expect(try await server.control(["delete_queue", route.queue]))
        #expect(try await failed.code == .consumerEnded)
        #expect(try await failed.message.contains(route.queue))
        let publisher = RabbitPublisher(configuration, logger: .silent)
        #expect(try await consumer.next(max: 1, timeout: .milliseconds(1)).isEmpty)
        try await publisher.deliver([route.message("again")])
        #expect(try await consumer.texts(1) == ["again"])
    }

    @Test func aServerThatIsNotThereAndOneThatIsNoneAreTold() async throws {
        let nobody = RabbitConfiguration(port: 1)
        let error = try await rabbitError { try await RabbitPublisher(nobody, logger: .silent).ping() }
        #expect(error.code == .connectFailed && error.isUnavailable && !error.mayHaveHappened)
        #expect(error.message.contains("127.0.0.1:1"))
        let redis = RabbitConfiguration(port: try await TestStack.shared.redis.port)
        let other = try await rabbitError { try await RabbitPublisher(redis, logger: .silent).ping() }
        #expect(other.isUnavailable && !other.mayHaveHappened)
    }

    @Test func urlsAreReadAndBadOnesRefused() throws {
        let plain = try RabbitConfiguration(url: "amqp://shop:p%40ss@10.0.0.1:1234/a%2Fb")
        #expect(plain.host == "10.0.0.1" && plain.port == 1234 && plain.virtualHost == "a/b")
        #expect(plain.username == "shop" && plain.password == "p@ss" && plain.tls == nil)
        let secure = try RabbitConfiguration(url: "amqps://mq")
        #expect(secure.port == 5671 && secure.tls != nil && secure.virtualHost == "/" && secure.username == "guest")
        let six = try RabbitConfiguration(url: "amqps://u:p@[::1]:1234/v")
        #expect(six.host == "::1" && six.endpoint == "[::1]:1234")
        for bad in [
            "", "http://a", "amqp://", "amqp://a:99999", "amqp://a:0", "amqp://a/b/c", "amqp://a/?x=1", "amqp://a b",
        ] {
            let error = #expect(throws: RabbitError.self) { try RabbitConfiguration(url: bad) }
            #expect(error?.code == .invalid)
        }
    }
}
