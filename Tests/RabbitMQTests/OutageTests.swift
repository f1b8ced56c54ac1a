import ClientSupport
import QuartetStack
import QuartetTesting
import RabbitMQ
import Testing

/// What clients do while the server is away or stands still; each test has a server of its own.
@Suite(.serialized) struct OutageTests {
    @Test func aKilledServerLosesNothingThatWasConfirmed() async throws {
        try await withServer { server, configuration in
            let route = Route()
            let publisher = RabbitPublisher(configuration, topology: route.topology, logger: .silent)
            try await publisher.deliver(route.messages(0..<1000))
            let consumer = RabbitConsumer(configuration, queue: route.queue, topology: route.topology, logger: .silent)
            #expect(try await consumer.texts(10) == (0..<10).map(String.init))
            await server.kill()
            let error = try await rabbitError { try await publisher.deliver([route.message("lost")]) }
            #expect(error.isUnavailable)
            try await server.start()
            try await publisher.insist([route.message("1000")])
            // The same objects go on. What was acknowledged in the last moments may come again.
            var seen: [String] = []
            while seen.last != "1000" { seen += try await consumer.texts(1) }
            #expect(Array(seen.suffix(991)) == (10...1000).map(String.init))
            #expect(try await publisher.takeMadeQueues() == [route.queue])
        }
    }

    @Test func aWipedServerHasItsTopologyDeclaredAgainAndThatIsTold() async throws {
        try await withServer { server, configuration in
            let route = Route()
            let publisher = RabbitPublisher(configuration, topology: route.topology, logger: .silent)
            try await publisher.deliver(route.messages(0..<3))
            #expect(try await publisher.takeMadeQueues() == [route.queue])
            try await server.wipe()
            try await server.start()
            try await publisher.insist([route.message("3")])
            #expect(try await publisher.takeMadeQueues() == [route.queue])
            let consumer = RabbitConsumer(configuration, queue: route.queue, logger: .silent)
            #expect(try await consumer.texts(1) == ["3"])
        }
    }

    @Test func aFrozenServerHoldsUpNobodyLongerThanTheirDeadline() async throws {
        try await withServer { server, configuration in
            let route = Route()
            let publisher = RabbitPublisher(configuration, topology: route.topology, logger: .silent)
            try await publisher.deliver([route.message("0")])
            await server.suspend()
            let began = ContinuousClock.now
            // More than the sockets hold: the call itself stands still.
            let large = route.message(String(repeating: "x", count: 8 << 20))
            let error = try await rabbitError {
                try await publisher.deliver([large, large, large], within: .milliseconds(500))
            }
            #expect(error.code == .deadlinePassed && error.mayHaveHappened)
            #expect(ContinuousClock.now - began < .seconds(20))
            await server.resume()
            try await publisher.insist([route.message("1")])
        }
    }

    @Test func aFrozenServerIsMissedByItsHeartbeats() async throws {
        try await withServer { server, configuration in
            var configuration = configuration
            configuration.heartbeat = .seconds(1)
            let route = Route()
            let consumer = RabbitConsumer(configuration, queue: route.queue, topology: route.topology, logger: .silent)
            #expect(try await consumer.next(max: 1, timeout: .milliseconds(1)).isEmpty)
            await server.suspend()
            let error = try await rabbitError {
                while true { _ = try await consumer.next(max: 1, timeout: .seconds(5)) }
            }
            #expect(error.isUnavailable)
            await server.resume()
        }
    }

    @Test func aCancelledCallerGoesOnAtOnce() async throws {
        try await withServer { server, configuration in
            let route = Route()
            let publisher = RabbitPublisher(configuration, topology: route.topology, logger: .silent)
            try await publisher.deliver([route.message("0")])
            await server.suspend()
            let publishing = Task {
                try await rabbitError { try await publisher.deliver([route.message("1")], within: .seconds(500)) }
            }
            let consumer = RabbitConsumer(configuration, queue: route.queue, logger: .silent)
            publishing.cancel()
            #expect(try await publishing.value.code == .cancelled)
            await server.resume()
            _ = consumer
        }
    }

    private func withServer(_ body: (RabbitServer, RabbitConfiguration) async throws -> Void) async throws {
        let server = try await TestStack.privateRabbit()
        do {
            try await body(server, TestServer.configuration(of: server))
        } catch {
            await server.kill()
            throw error
        }
        await server.kill()
    }
}
