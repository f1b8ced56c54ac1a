import QuartetCore

extension ChaosPlan {
    /// The stores that links lead to.
    static func stores(_ bus: EventBus) -> [String] { ["postgres", "mongod", "redis", bus.rawValue] }

    /// What commands that the storm itself runs are called among the processes.
    static let commands = "commands"

    static var processes: [String] { roles.flatMap { role in (1...copies).map { "\(role)-\($0)" } } + [commands] }

    private static let weightedKinds: [NetworkFault.Kind] =
        NetworkFault.Kind.allCases + [.blackHole, .lateAnswers, .resetRequest, .resetAnswer]

    /// Faults of links for a whole storm. Their numbers are their own, so that the other faults of a seed stay as they are.
    static func networkFaults(seed: UInt64, milliseconds: Int, bus: EventBus) -> [Fault] {
        var random = SplitMix64(state: seed ^ 0x6c69_6e6b)
        var busyUntil: [String: Int] = [:]
        var faults: [Fault] = []
        var time = 500
        while time < milliseconds {
            time += Int.random(in: 300...1_800, using: &random)
            guard let kind = weightedKinds.randomElement(using: &random),
                let process = processes.randomElement(using: &random),
                let store = stores(bus).randomElement(using: &random)
            else { break }
            // Mostly one link, now and then all of a store's or all of a process's.
            let spread = Int.random(in: 0..<10, using: &random)
            let network = NetworkFault(kind, amount: Int.random(in: amounts(of: kind), using: &random))
            let duration = Int.random(in: durations(of: kind, within: milliseconds), using: &random)
            let place = Link(process: spread < 2 ? nil : process, store: spread == 2 ? nil : store)
            let links = processes.flatMap { process in stores(bus).map { Link(process: process, store: $0) } }
                .filter(place.contains).map(\.description)
            guard time + duration < milliseconds, links.allSatisfy({ busyUntil[$0, default: 0] <= time }) else {
                continue
            }
            for link in links { busyUntil[link] = time + duration + 500 }
            faults.append(
                Fault(
                    atMilliseconds: time, kind: .network, target: place.description, forMilliseconds: duration,
                    network: network))
        }
        return faults
    }

    /// One way between a process and a store, or all of a process's or of a store's.
    struct Link: CustomStringConvertible {
        let process: String?
        let store: String?

        init(process: String?, store: String?) { (self.process, self.store) = (process, store) }

        init(_ text: String) {
            let parts = text.split(separator: "/", maxSplits: 1).map { $0 == "*" ? nil : String($0) }
            self.init(process: parts.first ?? nil, store: parts.last ?? nil)
        }

        var description: String { "\(process ?? "*")/\(store ?? "*")" }

        func contains(_ other: Link) -> Bool {
            (process == nil || process == other.process) && (store == nil || store == other.store)
        }
    }

    private static func amounts(of kind: NetworkFault.Kind) -> ClosedRange<Int> {
        switch kind {
        case .delay: 5...400
        case .throttle: 2_000...200_000
        case .lateAnswers: 500...8_000
        case .resetRequest, .resetAnswer: 0...10_000
        case .blackHole, .halfOpenClient, .halfOpenServer: 0...0
        }
    }

    private static func durations(of kind: NetworkFault.Kind, within storm: Int) -> ClosedRange<Int> {
        switch kind {
        case .delay, .throttle, .lateAnswers: 1_000...8_000
        case .resetRequest, .resetAnswer: 200...3_000
        // A minute, where the storm is long enough to go on afterwards.
        case .blackHole, .halfOpenClient, .halfOpenServer: 5_000...max(5_000, min(60_000, storm / 2))
        }
    }
}
