import NIOCore
import NIOPosix

/// Stands between processes and stores: for each pair a link of its own, so that a fault may hit one alone, a process's all,
/// or a store's all.
package final class StormProxy: Sendable {
    private struct Way: Hashable {
        let process: String
        let store: String
    }

    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let links: NIOLoopBoundBox<[Way: ProxyLink]>
    /// By process, what replaces a store's address.
    private let addresses: [String: [String: String]]

    /// Returns when it listens.
    package static func start(processes: [String], stores: [ProxiedStore]) async throws -> StormProxy {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let links = NIOLoopBoundBox<[Way: ProxyLink]>.makeBoxSendingValue([:], eventLoop: loop)
        var addresses: [String: [String: String]] = [:]
        for process in processes {
            for store in stores {
                let way = Way(process: process, store: store.name)
                let link = try await loop.submit {
                    let link = ProxyLink(to: store, on: loop)
                    links.value[way] = link
                    return NIOLoopBound(link, eventLoop: loop)
                }.get()
                for port in store.ports {
                    let listening = try await listen(group, for: port, link)
                    try await loop.submit { link.value.ports[port] = listening }.get()
                    addresses[process, default: [:]][ProxiedStore.address(port)] = ProxiedStore.address(listening)
                }
            }
        }
        return StormProxy(group: group, loop: loop, links: links, addresses: addresses)
    }

    private static func listen(
        _ group: MultiThreadedEventLoopGroup, for port: UInt16, _ link: NIOLoopBound<ProxyLink>
    ) async throws -> UInt16 {
        let channel = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { link.value.accept($0, to: port) }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let listening = channel.localAddress?.port, let listening = UInt16(exactly: listening),
            ProxiedStore.address(listening).count == ProxiedStore.address(port).count
        else { throw ChaosError("the proxy got a port that can't stand for \(port)") }
        return listening
    }

    private init(
        group: MultiThreadedEventLoopGroup, loop: any EventLoop, links: NIOLoopBoundBox<[Way: ProxyLink]>,
        addresses: [String: [String: String]]
    ) {
        (self.group, self.loop, self.links, self.addresses) = (group, loop, links, addresses)
    }

    /// An environment in which a process finds the stores through the proxy.
    package func environment(of process: String, _ environment: [String: String]) -> [String: String] {
        environment.mapValues { value in
            value.replacing(/127\.0\.0\.1:\d+/) { match in
                self.addresses[process]?[String(match.output)] ?? String(match.output)
            }
        }
    }

    /// Whoever is not named is meant with all of its kind.
    package func begin(_ fault: NetworkFault, process: String?, store: String?) async throws {
        try await onEach(process, store) { $0.begin(fault) }
    }

    package func end(process: String?, store: String?) async throws {
        try await onEach(process, store) { $0.end() }
    }

    private func onEach(
        _ process: String?, _ store: String?, _ body: @escaping @Sendable (ProxyLink) -> Void
    ) async throws {
        try await loop.submit { [links] in
            for (way, link) in links.value
            where (process ?? way.process) == way.process && (store ?? way.store) == way.store {
                body(link)
            }
        }.get()
    }

    package func close() async {
        try? await onEach(nil, nil) { $0.end() }
        try? await group.shutdownGracefully()
    }
}
