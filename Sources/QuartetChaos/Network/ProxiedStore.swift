import NIOCore
import QuartetStack

/// A store as its clients find it, on one port of 127.0.0.1 or more.
package struct ProxiedStore: Sendable, Hashable {
    /// Whether and how it tells clients where else to connect.
    package enum Referral: Sendable, Hashable { case none, replicaSet, brokers }

    package let name: String
    package let ports: [UInt16]
    package let referral: Referral

    package init(_ name: String, ports: [UInt16], referral: Referral = .none) {
        (self.name, self.ports, self.referral) = (name, ports, referral)
    }

    static func address(_ port: UInt16) -> String { "127.0.0.1:\(port)" }

    /// What takes the store's ports out of its answers and puts those of the proxy there.
    func rewriter(_ proxyPorts: [UInt16: UInt16]) -> AddressRewriter? {
        func replacements(_ form: (UInt16) -> [UInt8]) -> [AddressRewriter.Replacement] {
            proxyPorts.map { .init(old: form($0.key), new: form($0.value)) }
        }
        switch referral {
        case .none: return nil
        case .replicaSet:
            return AddressRewriter(.littleEndianInclusive, replacements { Array(Self.address($0).utf8) })
        case .brokers:
            // A text and a number of 32 bits.
            return AddressRewriter(
                .bigEndianExclusive,
                replacements { Array("127.0.0.1".utf8) + [0, 0, UInt8($0 >> 8), UInt8($0 & 0xff)] })
        }
    }
}

extension ChaosPlan {
    /// Between all processes of the storm and all stores of `stack`.
    func proxy(to stack: LocalStack) async throws -> StormProxy {
        var stores = [
            ProxiedStore(stack.postgres), ProxiedStore(stack.mongo, referral: .replicaSet),
            ProxiedStore(stack.redis), ProxiedStore(stack.kafka, referral: .brokers),
        ]
        if let rabbit = stack.rabbit { stores.append(ProxiedStore(rabbit)) }
        return try await StormProxy.start(processes: Self.processes, stores: stores)
    }
}

extension ProxiedStore {
    fileprivate init(_ server: some LocalServer, referral: Referral = .none) {
        let ports = server.url.matches(of: /127\.0\.0\.1:(\d+)/).compactMap { UInt16($0.output.1) }
        self.init(server.name, ports: ports, referral: referral)
    }
}
