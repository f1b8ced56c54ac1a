package import QuartetStack

/// The kinds of brokers that tests of events run on.
package enum TestBroker: String, Sendable, CaseIterable {
    /// What stands for Kafka, everywhere.
    case embedded
    /// Apache Kafka, where `KAFKA_HOME` names it.
    case apache

    /// Those that there are here.
    package static let present: [TestBroker] = isApacheHere ? allCases : [.embedded]

    /// Whether tests of what only Apache Kafka does can run.
    package static var isApacheHere: Bool {
        // One that is named and can't be run makes its tests fail, with the reason.
        do { return try KafkaHome() != nil } catch { return true }
    }

    private static let embeddedStart = Task { try await TestStack.privateKafka() }
    private static let apacheStart = Task { try await TestBroker.apacheKafka() }

    package var kind: BrokerKind {
        get throws {
            switch self {
            case .embedded: .embedded(brokers: 1)
            case .apache: try .preferred(substitute: .embedded(brokers: 1))
            }
        }
    }

    /// One for all tests of the process that do it no harm. Tests keep apart by the names of topics and groups.
    package var shared: any LocalBroker {
        get async throws {
            switch self {
            case .embedded: try await Self.embeddedStart.value
            case .apache: try await Self.apacheStart.value
            }
        }
    }

    /// One of the caller's own, started; the caller closes it.
    package func start() async throws -> any LocalBroker {
        switch self {
        case .embedded: try await TestStack.privateKafka()
        case .apache: try await Self.apacheKafka()
        }
    }

    /// An Apache Kafka of the caller's own, started; the caller closes it.
    package static func apacheKafka(
        nodes: Int = 1, settings: KafkaNodeSettings = KafkaNodeSettings()
    ) async throws -> KafkaBroker {
        guard let home = try KafkaHome() else { throw MissingKafka() }
        let broker = KafkaBroker(
            directory: try TestStack.makeFolder(), home: home, nodes: nodes, settings: settings, options: .fast)
        try await starts.start(broker)
        return broker
    }

    private static let starts = Starts()

    /// One after the other: each has use for all processors for seconds.
    private actor Starts {
        private var last: Task<Void, any Error>?

        func start(_ broker: KafkaBroker) async throws {
            let before = last
            let start = Task {
                _ = await before?.result
                try await broker.start()
            }
            last = start
            try await start.value
        }
    }

    private struct MissingKafka: Error, CustomStringConvertible {
        let description = "KAFKA_HOME names no Kafka"
    }
}
