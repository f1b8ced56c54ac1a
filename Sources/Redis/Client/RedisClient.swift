package import ClientSupport
package import Logging
package import NIOCore
import NIOPosix

/// A Redis server, over one connection for commands and one for subscriptions; or a cluster, over one for the commands of each
/// node.
///
/// Callers share the command connection: what they ask while a write is on the way goes out together with the next. The
/// connections are made at the first call and kept up from then on, unless the server closes what is idle. While it can't be
/// reached, calls fail at once with an error that is unavailable; commands that block the server's reply (BLPOP, SUBSCRIBE, MULTI over several calls) do not belong
/// on a shared connection. The connections live until ``close()``.
package final class RedisClient: Sendable {
    package let configuration: RedisConfiguration
    private let commands: CommandLink
    private let subscriptions: SubscriptionHub
    let cluster: RedisCluster?

    /// - Parameter eventLoopGroup: where the connections run; nil means the process's own.
    package convenience init(
        configuration: RedisConfiguration, logger: Logger, eventLoopGroup: (any EventLoopGroup)? = nil
    ) {
        let group = eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
        let cluster = configuration.cluster.map {
            RedisCluster(configuration: configuration, settings: $0, logger: logger, group: group)
        }
        let addresses =
            if let cluster {
                HostAddresses(host: configuration.host, port: configuration.port) { _, _ in
                    try cluster.socketAddresses()
                }
            } else {
                HostAddresses(host: configuration.host, port: configuration.port)
            }
        self.init(
            configuration: configuration, addresses: addresses, cluster: cluster, logger: logger, eventLoopGroup: group)
    }

    /// - Parameter addresses: of the configuration's host.
    init(
        configuration: RedisConfiguration, addresses: HostAddresses, cluster: RedisCluster? = nil, logger: Logger,
        eventLoopGroup: (any EventLoopGroup)? = nil
    ) {
        configuration.requireUsableLimits()
        self.configuration = configuration
        let group = eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
        let dialer = Dialer(configuration: configuration, addresses: addresses, eventLoop: group.next())
        commands = CommandLink(dialer: dialer, logger: logger)
        subscriptions = SubscriptionHub(dialer: dialer, logger: logger)
        self.cluster = cluster
        cluster?.notify { [subscriptions] in subscriptions.leave(unlessAmong: $0) }
    }

    /// Sends one command. Without a deadline the configured timeout counts. NOSCRIPT is recovered from.
    ///
    /// - Throws: `RedisError`, also for an error reply; `CancellationError`, after which the command may still happen.
    package func send(_ command: RedisCommand, deadline: Deadline? = nil) async throws -> RedisValue {
        let deadline = deadline ?? .after(configuration.commandTimeout)
        if let cluster { return try await cluster.pipeline([command], deadline: deadline)[0].get() }
        var reply = try await commands.send(command, deadline: deadline)
        if command.script != nil, Self.isScriptMissing(reply) {
            reply = try await commands.send(command.withScriptSource(), deadline: deadline)
        }
        return try reply.result(location: configuration.location).get()
    }

    /// Sends `commands` in one go and returns one result each, in their order.
    ///
    /// More than `pipelineSizeMax`, or than `outboundBytesMax`, are sent in several parts. Script calls that met NOSCRIPT run again after all others, so
    /// calls of one pipeline must not depend on each other's order if there are scripts among them.
    ///
    /// - Throws: `CancellationError` alone, after which any of the commands may still happen.
    package func pipeline(
        _ commands: [RedisCommand], deadline: Deadline? = nil
    ) async throws -> [Result<RedisValue, RedisError>] {
        let deadline = deadline ?? .after(configuration.commandTimeout)
        if let cluster { return try await cluster.pipeline(commands, deadline: deadline) }
        var results = try await sendAll(commands, deadline: deadline)
        // A script can vanish again between two passes only if somebody flushes scripts all the time.
        for _ in 0..<2 {
            let missing = results.indices.filter { commands[$0].script != nil && results[$0].isScriptMissing }
            guard !missing.isEmpty else { break }
            let repeated = try await sendAll(Self.loadingScripts(missing.map { commands[$0] }), deadline: deadline)
            for (index, result) in zip(missing, repeated) { results[index] = result }
        }
        return results
    }

    /// Calls `script` by its digest, or with its source where the server does not know it.
    ///
    /// - Throws: as ``send(_:deadline:)``.
    package func eval(
        _ script: RedisScript, keys: [String], args: [any RedisArgument] = [], deadline: Deadline? = nil
    ) async throws -> RedisValue {
        try await send(.eval(script, keys: keys, args: args), deadline: deadline)
    }

    /// Messages published to `channel` from the time of its first element on. All subscriptions share one connection,
    /// and those of one channel one subscription at the server.
    package func subscribe(_ channel: String) -> RedisSubscription {
        subscriptions.subscribe(channel)
    }

    /// Ends subscriptions, refuses new calls, waits for the replies of those on the way (until their deadlines), and
    /// closes the connections.
    package func close() async {
        async let subscriptionsClosed: Void = subscriptions.close()
        await commands.close()
        await cluster?.close()
        await subscriptionsClosed
    }

    private func sendAll(
        _ commands: [RedisCommand], deadline: Deadline
    ) async throws -> [Result<RedisValue, RedisError>] {
        var results: [Result<RedisValue, RedisError>] = []
        results.reserveCapacity(commands.count)
        while results.count < commands.count {
            let part = nextPart(of: commands[results.count...])
            do {
                results += try await self.commands.send(part, deadline: deadline)
            } catch let error as RedisError {
                results += repeatElement(.failure(error), count: part.count)
            }
        }
        return results
    }

    /// As many of `commands` as may go out at once, at least one.
    private func nextPart(of commands: ArraySlice<RedisCommand>) -> ArraySlice<RedisCommand> {
        var size = 0
        var end = commands.startIndex
        for command in commands.prefix(configuration.pipelineSizeMax) {
            size += command.bytes.count
            if size > configuration.outboundBytesMax, end > commands.startIndex { break }
            end += 1
        }
        return commands[..<end]
    }

    /// The first call of each script brings its source, which the others then find.
    private static func loadingScripts(_ calls: [RedisCommand]) -> [RedisCommand] {
        var loaded: Set<String> = []
        return calls.map { call in
            guard let script = call.script, loaded.insert(script.sha1).inserted else { return call }
            return call.withScriptSource()
        }
    }

    private static func isScriptMissing(_ reply: RedisValue) -> Bool {
        guard case .error(let text) = reply else { return false }
        return text.hasPrefix("NOSCRIPT")
    }
}

extension Result<RedisValue, RedisError> {
    fileprivate var isScriptMissing: Bool {
        guard case .failure(let error) = self else { return false }
        return error.code == .server("NOSCRIPT")
    }
}
