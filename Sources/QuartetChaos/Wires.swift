/// A proxy between each copy of a role and each server, named `work-1/redis`.
///
/// Kafka's clients find its nodes by the addresses that these give, and so go around a proxy.
final class Wires: Sendable {
    private struct Wire {
        let name: String
        let copy: String
        let port: UInt16
        let proxy: FaultProxy
    }

    private let wires: [Wire]

    /// - Parameter ports: where each server listens, by its name.
    init(of copies: [String], to ports: KeyValuePairs<String, UInt16>) async throws {
        var wires: [Wire] = []
        for copy in copies {
            for (server, port) in ports {
                let proxy = try await FaultProxy(to: Int(port))
                wires.append(Wire(name: "\(copy)/\(server)", copy: copy, port: port, proxy: proxy))
            }
        }
        self.wires = wires
    }

    /// Until cancelled.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for wire in wires { group.addTask { try await wire.proxy.run() } }
        }
    }

    /// - Parameter disturbance: nil for none any more.
    func disturb(_ name: String, _ disturbance: FaultProxy.Disturbance?) throws {
        guard let wire = wires.first(where: { $0.name == name }) else { throw ChaosError("there is no wire \(name)") }
        wire.proxy.disturb(disturbance)
    }

    func heal() {
        for wire in wires { wire.proxy.disturb(nil) }
    }

    /// A copy's environment, with the addresses of its proxies in place of the servers'.
    func environment(of copy: String, _ environment: [String: String]) -> [String: String] {
        environment.mapValues { value in
            var value = value
            for wire in wires where wire.copy == copy {
                value = value.replacing("127.0.0.1:\(wire.port)", with: "127.0.0.1:\(wire.proxy.port)")
            }
            // By its members' own addresses a client would go around the proxy.
            return value.hasPrefix("mongodb://")
                ? value.replacing(#/replicaSet=[^&]*/#, with: "directConnection=true") : value
        }
    }
}
