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
    let addresses: HostAddresses

    init(configuration: RedisConfiguration, addresses: HostAddresses, eventLoop: any EventLoop) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        tls = configuration.tls.map(TLSContext.init)
        self.addresses = addresses
    }

    /// Begins connection `id`; what becomes of it is told to `delegate`.
    func connect(_ id: ConnectionID, delegate: some ConnectionDelegate) {
        let whole = TimeAmount(configuration.connectTimeout)
        addresses.current(on: eventLoop).whenComplete { result in
            switch result {
            case .success(let list):
                let attempts = AddressAttempts(id, to: list, of: addresses, within: whole, delegate: delegate) {
                    connect(id, to: $0, within: $1, delegate: $2)
                }
                attempts.start()
            case .failure(let error): delegate.lost(id, failure(error))
            }
        }
    }

    private func connect(
        _ id: ConnectionID, to address: SocketAddress, within timeout: TimeAmount, delegate: some ConnectionDelegate
    ) {
        let deadline = NIODeadline.now() + timeout
        ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.keepAliveIdle), value: 30)
            .channelOption(.tcpOption(.keepAliveInterval), value: 10)
            .channelOption(.tcpOption(.keepAliveCount), value: 3)
            .channelOption(.writeBufferWaterMark, value: .init(low: 256 * 1024, high: 1024 * 1024))
            .connect(to: address)
            .flatMapThrowing { channel in
                do {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            tls.handler(host: address.host ?? configuration.host))
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
        case ChannelError.connectTimeout:
            return RedisError(.connect, "cannot connect in time", cause: error, location: location)
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

extension SocketAddress {
    /// The name that was looked up.
    var host: String? {
        let host: String? =
            switch self {
            case .v4(let address): address.host
            case .v6(let address): address.host
            case .unixDomainSocket: nil
            }
        return host?.isEmpty == false ? host : nil
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
