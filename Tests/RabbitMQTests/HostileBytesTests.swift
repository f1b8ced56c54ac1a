import ClientSupport
import Foundation
import QuartetTesting
import RabbitMQ
import Testing

/// Nothing that comes over the wire traps, hangs or takes memory without bound.
@Suite struct HostileBytesTests {
    static let greetings: [[UInt8]] = [
        [], Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), [UInt8](repeating: 0xFF, count: 1000),
        Array("AMQP".utf8) + [0, 0, 8, 0], Wire.method(10, 10, [0, 9], channel: 0),
        [1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF], Array(Wire.handshake.prefix(60)), Wire.handshake,
    ]

    @Test(arguments: greetings) func aGreetingThatIsNoneEndsTheAttempt(_ bytes: [UInt8]) async throws {
        try await HostileServer.with(saying: bytes) { port in
            let publisher = RabbitPublisher(configuration(port), logger: .silent)
            let error = try await rabbitError {
                try await publisher.deliver([RabbitMessage(exchange: "", routingKey: "a", body: [])])
            }
            #expect(error.isRetriable && error.isUnavailable)
        }
    }

    static let whilePublishing: [[UInt8]] = [
        // Confirms of what was never sent, the first one good.
        Wire.method(60, 80, Wire.number(UInt64.max) + [1]) + Wire.method(60, 80, Wire.number(UInt64.max) + [0]),
        // A message that was never sent comes back.
        Wire.method(60, 50, Wire.number(UInt16(312)) + Wire.short("NO_ROUTE") + [0, 0]) + Wire.header(size: 0),
        Wire.header(size: 5), Wire.body(5), [9, 9, 9, 9, 9, 9, 9, 9, 9], Wire.method(99, 99),
        [1, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0],
        Wire.method(60, 80, Wire.number(UInt64.max) + [1]).dropLast() + [0],
        Wire.method(20, 40, Wire.number(UInt16(541)) + Wire.short("INTERNAL_ERROR") + [0, 0, 0, 0]),
        Wire.method(10, 50, Wire.number(UInt16(320)) + Wire.short("CONNECTION_FORCED\n") + [0, 0, 0, 0], channel: 0),
    ]

    @Test(arguments: whilePublishing) func anAnswerThatIsNoneEndsInAResult(_ bytes: [UInt8]) async throws {
        try await HostileServer.with(saying: Wire.confirming + bytes) { port in
            let publisher = RabbitPublisher(configuration(port), logger: .silent)
            for _ in 0..<2 {
                let results = try? await publisher.publish(
                    [RabbitMessage(exchange: "", routingKey: "a", body: [1])], deadline: .after(.milliseconds(300)))
                #expect(results?.count ?? 1 == 1)
            }
        }
    }

    static let whileConsuming: [[UInt8]] = [
        Wire.deliver + Wire.deliver, Wire.deliver + Wire.body(5), Wire.deliver + Wire.header(size: .max),
        Wire.deliver + Wire.header(size: 5) + Wire.body(6), Wire.deliver + Wire.header(size: 5) + Wire.header(size: 5),
        Wire.deliver + Wire.header(size: 100_000_000) + Wire.body(5),
        Wire.deliver + Wire.header(size: 0, properties: [0x20, 0x00, 0xFF, 0xFF, 0xFF, 0xFF]),
        Wire.deliver + Wire.header(size: 0, properties: [0xFF, 0xFF, 0xFF, 0xFF]),
        // More than was asked for.
        (0..<20).flatMap { _ in Wire.deliver + Wire.header(size: 0) },
        Wire.method(60, 30, Wire.short("tag") + [0]), [UInt8](repeating: 0xCE, count: 5000),
    ]

    @Test(arguments: whileConsuming) func aDeliveryThatIsNoneEndsTheConnection(_ bytes: [UInt8]) async throws {
        try await HostileServer.with(saying: Wire.consuming + bytes) { port in
            let consumer = RabbitConsumer(configuration(port), queue: "q", prefetch: 10, logger: .silent)
            let error = try await rabbitError {
                while true { _ = try await consumer.next(max: 0, timeout: .seconds(10)) }
            }
            #expect(error.isRetriable)
        }
    }

    @Test func headersNestedAsDeepAsAFrameHasRoomForAreLeftAlone() async throws {
        try await HostileServer.with(saying: Wire.consuming + Wire.deliver + Wire.nested) { port in
            let consumer = RabbitConsumer(configuration(port), queue: "q", logger: .silent)
            let delivery = try #require(try await consumer.next(max: 1, timeout: .seconds(10)).first)
            #expect(delivery.headers == [RabbitHeader("", .other)])
        }
    }

    @Test func randomBytesBehindAHandshakeEndInAnError() async throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            var bytes = Wire.deliver + Wire.header(size: 40, properties: [0x20, 0, 0, 0, 0, 0]) + Wire.body(40)
            for _ in 0..<4 { bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: .min ... .max) }
            try await HostileServer.with(saying: Wire.consuming + bytes) { port in
                let consumer = RabbitConsumer(configuration(port), queue: "q", logger: .silent)
                _ = try? await consumer.next(max: 1, timeout: .milliseconds(20))
            }
        }
    }

    private func configuration(_ port: UInt16) -> RabbitConfiguration {
        var configuration = RabbitConfiguration(port: port)
        configuration.connectTimeout = .milliseconds(300)
        configuration.operationTimeout = .milliseconds(300)
        configuration.messageBytesMax = 1_000_000
        configuration.reconnect = Backoff(base: .milliseconds(1), max: .milliseconds(2))
        return configuration
    }
}
