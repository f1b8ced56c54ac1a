import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Makes connections: TCP, TLS where configured, then the handshake.
struct Dialer: Sendable {
    let configuration: RedisConfiguration
    let eventLoop: any EventLoop
    private let tls: TLSContext?

    init(configuration: RedisConfiguration, eventLoop: any EventLoop) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        tls = configuration.tls.map(TLSContext.init)
    }

    /// Begins connection `id`; what becomes of it is told to `delegate`.
    func connect(_ id: ConnectionID, delegate: some ConnectionDelegate) {
        let deadline = NIODeadline.now() + TimeAmount(configuration.connectTimeout)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.keepAliveIdle), value: 30)
            .channelOption(.tcpOption(.keepAliveInterval), value: 10)
            .channelOption(.tcpOption(.keepAliveCount), value: 3)
            .channelOption(.writeBufferWaterMark, value: .init(low: 256 * 1024, high: 1024 * 1024))
            .connect(host: configuration.host, port: configuration.port)
            .flatMapThrowing { channel in
                // Handlers come after the connect, since a host with several addresses makes several channels.
                do {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(tls.handler(host: configuration.host))
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        ConnectionHandler(
                            id: id, configuration: configuration, deadline: deadline, delegate: delegate))
                } catch {
                    channel.close(promise: nil)
                    throw error
                }
            }
            .whenFailure { error in
                delegate.lost(id, failure(error))
            }
    }

    private func failure(_ error: any Error) -> RedisError {
        let location = configuration.location
        switch error {
        case let error as RedisError:
            return error.at(location)
        case let error as NIOConnectionError:
            let reason = error.connectionErrors.first.map { oneLine($0.error) } ?? "the host name has no address"
            return RedisError(.connect, "cannot connect: \(reason)", cause: error, location: location)
        case ChannelError.connectTimeout:
            return RedisError(
                .connect, "cannot connect within \(configuration.connectTimeout)", cause: error, location: location)
        default:
            return RedisError(.connect, "cannot connect: \(oneLine(error))", cause: error, location: location)
        }
    }
}

/// Reads the certificates once, at the first connection.
private final class TLSContext: Sendable {
    private let settings: RedisTLS
    private let context = Mutex<NIOSSLContext?>(nil)

    init(_ settings: RedisTLS) {
        self.settings = settings
    }

    func handler(host: String) throws -> NIOSSLClientHandler {
        let context = try context.withLock { context in
            if let context { return context }
            let made = try make()
            context = made
            return made
        }
        // Server names are names; an address is checked against the certificate without one.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }

    private func make() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification =
            switch settings.verification {
            case .full: .fullVerification
            case .certificateOnly: .noHostnameVerification
            case .none: .none
            }
        if let file = settings.trustRootsFile { configuration.trustRoots = .file(file) }
        do {
            if let file = settings.certificateFile {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
            }
            if let file = settings.keyFile {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: file, format: .pem))
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw RedisError(.configuration, "TLS cannot be set up: \(oneLine(error))", cause: error)
        }
    }
}

extension NIOBSDSocket.Option {
    /// Seconds of silence before the first probe, and between probes.
    #if canImport(Darwin)
        fileprivate static let keepAliveIdle = NIOBSDSocket.Option(rawValue: TCP_KEEPALIVE)
    #else
        fileprivate static let keepAliveIdle = NIOBSDSocket.Option(rawValue: TCP_KEEPIDLE)
    #endif
    fileprivate static let keepAliveInterval = NIOBSDSocket.Option(rawValue: TCP_KEEPINTVL)
    fileprivate static let keepAliveCount = NIOBSDSocket.Option(rawValue: TCP_KEEPCNT)
}
