package import QuartetCore

/// What is done to whom, and when. The same seed and length give the same plan on every machine.
package struct ChaosPlan: Sendable, Hashable, Codable {
    package struct Fault: Sendable, Hashable, Codable {
        package enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
            /// SIGKILL, and a new process after a while.
            case killRole = "kill_role"
            /// SIGSTOP, and SIGCONT after a while that may be longer than a lease.
            case freezeRole = "freeze_role"
            /// SIGKILL, and a start on the same data after a while.
            case killServer = "kill_server"
            case freezeServer = "freeze_server"
            /// The broker closes its connections and refuses new ones for a while; RabbitMQ is killed.
            case brokerDown = "broker_down"
            /// It is killed and loses all that it kept.
            case wipeBroker = "wipe_broker"
            /// The way between a process and a store is bad for a while: `network` says how.
            case network
        }

        /// From the beginning of the storm.
        package let atMilliseconds: Int
        package let kind: Kind
        package let target: String
        package let forMilliseconds: Int
        package var network: NetworkFault?

        /// What it is called in logs and figures.
        package var name: String { network?.kind.rawValue ?? kind.rawValue }

        package var line: String {
            let amount = network.map { $0.amount == 0 ? "" : " (\($0.amount))" } ?? ""
            return "\(name)\(amount) \(target) for \(forMilliseconds) ms"
        }
    }

    static let roles = ["serve", "relay", "work", "invalidate", "project"]
    static let copies = 2

    package let seed: UInt64
    package let milliseconds: Int
    package let bus: EventBus
    package let hasProxy: Bool
    package let faults: [Fault]

    /// - Parameters:
    ///   - minutes: how long the storm lasts; healing and proving come on top.
    ///   - bus: what events go over.
    ///   - hasProxy: whether links fail too.
    package init(seed: UInt64, minutes: Double, bus: EventBus = .kafka, hasProxy: Bool = true) {
        self.seed = seed
        self.hasProxy = hasProxy
        self.bus = bus
        milliseconds = Int(minutes * 60_000)
        var random = SplitMix64(state: seed)
        var busyUntil: [String: Int] = [:]
        var faults: [Fault] = []
        var time = 1_000
        while true {
            time += Int.random(in: 400...2_600, using: &random)
            guard let kind = Self.weighted(bus).randomElement(using: &random),
                let target = Self.targets(of: kind, bus).randomElement(using: &random)
            else { break }
            let duration = Int.random(in: Self.durations(of: kind), using: &random)
            guard time + duration < milliseconds else { break }
            // Nobody is hit again before it is back and had a moment.
            guard busyUntil[target, default: 0] <= time else { continue }
            busyUntil[target] = time + duration + 1_500
            faults.append(
                Fault(atMilliseconds: time, kind: kind, target: target, forMilliseconds: duration))
        }
        if hasProxy { faults += Self.networkFaults(seed: seed, milliseconds: milliseconds, bus: bus) }
        self.faults = faults.sorted { $0.atMilliseconds < $1.atMilliseconds }
    }

    package var lines: [String] {
        faults.map { fault in
            let seconds = "\(fault.atMilliseconds / 1000).\(fault.atMilliseconds / 100 % 10)s"
            return "\(seconds)  \(fault.line)"
        }
    }

    private static func weighted(_ bus: EventBus) -> [Fault.Kind] {
        Array(repeating: .killRole, count: 8) + Array(repeating: .freezeRole, count: 5)
            + Array(repeating: .killServer, count: 5) + Array(repeating: .freezeServer, count: 2) + [.brokerDown]
            + (bus == .rabbitmq ? [.wipeBroker] : [])
    }

    private static func targets(of kind: Fault.Kind, _ bus: EventBus) -> [String] {
        switch kind {
        case .killRole, .freezeRole: roles.flatMap { role in (1...copies).map { "\(role)-\($0)" } }
        case .killServer, .freezeServer:
            ["postgres", "mongod", "redis"] + (bus == .rabbitmq ? [bus.rawValue] : [])
        case .brokerDown, .wipeBroker: [bus.rawValue]
        case .network: []
        }
    }

    private static func durations(of kind: Fault.Kind) -> ClosedRange<Int> {
        switch kind {
        case .killRole: 0...1_500
        case .freezeRole: 300...6_000
        case .killServer: 100...2_500
        case .freezeServer: 300...4_000
        case .brokerDown, .wipeBroker: 500...6_000
        case .network: 0...0
        }
    }
}

/// A generator whose numbers are the same everywhere.
///
/// Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
