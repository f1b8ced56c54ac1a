import Kafka
import Logging
import QuartetCore
import QuartetService
import QuartetStack
import RabbitMQ
import Synchronization

/// Reads what the bus carries from the beginning of a storm to its end, and keeps what was told of each aggregate.
protocol EventLedger: Sendable {
    var book: EventBook { get }

    /// Before anything is published, and whenever the broker has lost everything.
    func prepare() async throws

    /// Until cancelled.
    func run() async throws

    /// The broker has lost what it had: reads what it has now from its beginning.
    func beginAgain()

    /// How many events are still to be read.
    ///
    /// - Parameter marks: gives the marks of a topic of Kafka's.
    func unread(_ marks: (_ topic: String) async throws -> [KafkaWatermarks]) async throws -> Int

    /// What the log has from its beginning to its present end, by another reader; nil where the bus keeps none.
    func readAgain() async throws -> EventBook?
}

/// What events told of each aggregate, and whether they came in order.
final class EventBook: Sendable {
    struct Told: Sendable {
        /// The ids of the events of each type.
        var ids: [String: Set<String>] = [:]
        /// How often one came, however often it was read.
        var deliveries = 0
        fileprivate var newest: Int64 = 0
    }

    private struct State {
        var told: [String: Told] = [:]
        var disorder: [String] = []
        var isOrderKnown = true
    }

    private let state = Mutex(State())

    var all: [String: Told] { state.withLock { $0.told } }

    /// Events that came for the first time behind a newer one of their aggregate.
    var disorder: [String] { state.withLock { $0.disorder } }

    /// What was published meanwhile may be missing, and is told again behind what comes now.
    func beginAgain() { state.withLock { $0.isOrderKnown = false } }

    func note(_ id: String, type: String, aggregate: String, version: Int64) {
        state.withLock { state in
            var one = state.told[aggregate] ?? Told()
            one.deliveries += 1
            if one.ids[type, default: []].insert(id).inserted {
                if state.isOrderKnown, version < one.newest {
                    state.disorder.append(
                        "\(type) of \(aggregate): version \(version) came behind \(one.newest)")
                }
                one.newest = max(one.newest, version)
            }
            state.told[aggregate] = one
        }
    }
}

extension ChaosPlan {
    func ledger(of stack: LocalStack, _ clients: StoreClients, logger: Logger) throws -> any EventLedger {
        guard bus == .rabbitmq, let rabbit = stack.rabbit else { return KafkaLedger(clients.kafka, logger: logger) }
        return RabbitLedger(try RabbitConfiguration(url: rabbit.url), logger: logger)
    }
}
