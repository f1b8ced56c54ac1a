import CRabbitMQ
import ClientSupport
import Foundation

/// Owns one connection of librabbitmq with one open channel. Its calls block, on the thread of its owner.
struct ConnectionHandle: ~Copyable {
    static let channel: amqp_channel_t = 1
    /// As the server offers, and no more: what comes in one frame is read at once.
    static let frameBytesMax: Int32 = 131_072
    /// Where Debian keeps the authorities that the system trusts; librabbitmq knows none by itself.
    private static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    let state: amqp_connection_state_t
    let watch = StallWatch()
    let operationTimeout: Duration
    var assembler: MessageAssembler

    private init(_ state: amqp_connection_state_t, _ configuration: RabbitConfiguration) {
        self.state = state
        operationTimeout = configuration.operationTimeout
        assembler = MessageAssembler(messageBytesMax: configuration.messageBytesMax)
    }

    /// Connects, signs in and opens the channel.
    static func open(_ configuration: RabbitConfiguration) throws(RabbitError) -> ConnectionHandle {
        guard let state = amqp_new_connection() else { throw RabbitError(.connectFailed, "no memory for a connection") }
        let handle = ConnectionHandle(state, configuration)
        try handle.open(configuration)
        return handle
    }

    deinit {
        watch.closing()
        amqp_destroy_connection(state)
    }

    var descriptor: Int32 { amqp_get_sockfd(state) }
    var frameBytesMax: Int { Int(amqp_get_frame_max(state)) }

    /// Says goodbye; what is on the way is lost.
    mutating func close(deadline: Deadline) {
        var timeout = timeval(deadline.remaining)
        amqp_set_rpc_timeout(state, &timeout)
        watch.call(until: deadline) { _ = amqp_connection_close(state, AMQP_REPLY_SUCCESS) }
    }

    // MARK: Frames

    /// The next thing that the server sent of its own accord, or nil when there is no more for now.
    mutating func next() throws(RabbitError) -> Incoming? {
        while true {
            var frame = amqp_frame_t()
            var timeout = timeval(tv_sec: 0, tv_usec: 0)
            let deadline = Deadline.after(operationTimeout)
            // It may send a heartbeat, too.
            let status = watch.call(until: deadline) { amqp_simple_wait_frame_noblock(state, &frame, &timeout) }
            if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
            guard status == AMQP_STATUS_OK.rawValue else {
                throw RabbitError(status: status, "the connection ended", wasCut: watch.wasCut)
            }
            defer { amqp_maybe_release_buffers(state) }
            if let incoming = try assembler.take(frame) { return incoming }
        }
    }

    /// The rest of a message of which a call told, within the operation's time.
    mutating func restOfMessage() throws(RabbitError) -> Incoming {
        let deadline = Deadline.after(operationTimeout)
        while true {
            var frame = amqp_frame_t()
            var timeout = timeval(deadline.remaining)
            let status = amqp_simple_wait_frame_noblock(state, &frame, &timeout)
            guard status == AMQP_STATUS_OK.rawValue else { throw RabbitError(status: status, "take a message") }
            defer { amqp_maybe_release_buffers(state) }
            if let incoming = try assembler.take(frame) { return incoming }
        }
    }

    // MARK: Calls

    /// - Throws: what the server or the library says against a call that was just made.
    func check(_ operation: String) throws(RabbitError) {
        try check(amqp_get_rpc_reply(state), operation)
    }

    func check(_ reply: amqp_rpc_reply_t, _ operation: String) throws(RabbitError) {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            if let closed = RabbitError(closing: reply.reply) { throw closed }
            throw RabbitError(.protocolViolation, "\(operation): the server's answer is another's")
        default: throw RabbitError(status: reply.library_error, operation, wasCut: watch.wasCut)
        }
    }

    /// Checks what a call that has no answer returned.
    func checkSent(_ status: Int32, _ operation: String) throws(RabbitError) {
        guard status != AMQP_STATUS_OK.rawValue else { return }
        throw RabbitError(status: status, operation, wasCut: watch.wasCut)
    }

    /// Asks for what changes nothing.
    func hello() throws(RabbitError) {
        "amq.topic".withAMQPBytes { exchange in
            "topic".withAMQPBytes { kind in
                _ = amqp_exchange_declare(state, Self.channel, exchange, kind, 1, 1, 0, 0, amqp_empty_table)
            }
        }
        try check("ask for a sign of life")
    }

    /// Opens the channel again that the server closed over an error.
    mutating func reopenChannel() throws(RabbitError) {
        var closeOK = amqp_channel_close_ok_t()
        let status = amqp_send_method(state, Self.channel, quartet_amqp_channel_close_ok, &closeOK)
        try checkSent(status, "close the channel")
        _ = amqp_channel_open(state, Self.channel)
        try check("open a channel")
    }

    // MARK: Opening

    private func open(_ configuration: RabbitConfiguration) throws(RabbitError) {
        let deadline = Deadline.after(configuration.connectTimeout)
        var timeout = timeval(configuration.connectTimeout)
        amqp_set_handshake_timeout(state, &timeout)
        let socket = try socket(configuration)
        let status = amqp_socket_open_noblock(socket, configuration.host, Int32(configuration.port), &timeout)
        guard status == AMQP_STATUS_OK.rawValue else {
            let why = String(cString: amqp_error_string2(status))
            throw RabbitError(
                .connectFailed, "\(configuration.endpoint) can't be reached: \(why)\(Self.advice(status))")
        }
        watch.opened(descriptor)
        timeout = timeval(deadline.remaining)
        amqp_set_handshake_timeout(state, &timeout)
        let heartbeat = Int32(clamping: configuration.heartbeat.components.seconds)
        let reply = watch.call(until: deadline) {
            quartet_amqp_login_plain(
                state, configuration.virtualHost, Self.frameBytesMax, heartbeat, configuration.clientName,
                configuration.username, configuration.password)
        }
        try checkLogin(reply, configuration)
        timeout = timeval(configuration.operationTimeout)
        amqp_set_rpc_timeout(state, &timeout)
        _ = amqp_channel_open(state, Self.channel)
        try check("open a channel")
    }

    private func checkLogin(_ reply: amqp_rpc_reply_t, _ configuration: RabbitConfiguration) throws(RabbitError) {
        do throws(RabbitError) {
            try check(reply, "sign in at \(configuration.endpoint)")
        } catch {
            // A server that knows no such connection hangs up.
            guard error.code == .connectionLost || error.code == .deadlinePassed else { throw error }
            throw RabbitError(.connectFailed, "\(error.message): is it a RabbitMQ, and its port for AMQP?")
        }
    }

    private func socket(_ configuration: RabbitConfiguration) throws(RabbitError) -> OpaquePointer {
        guard let tls = configuration.tls else {
            guard let socket = amqp_tcp_socket_new(state) else {
                throw RabbitError(.connectFailed, "no memory for a socket")
            }
            return socket
        }
        guard let socket = amqp_ssl_socket_new(state) else {
            throw RabbitError(.connectFailed, "TLS can't be set up")
        }
        amqp_ssl_socket_set_verify_peer(socket, 1)
        amqp_ssl_socket_set_verify_hostname(socket, tls.checksHost ? 1 : 0)
        guard amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) == 0 else {
            throw RabbitError(.connectFailed, "TLS 1.2 can't be set up")
        }
        let authorities = tls.authorityFile ?? Self.systemAuthorities
        guard amqp_ssl_socket_set_cacert(socket, authorities) == 0 else {
            throw RabbitError(.invalid, "\(authorities) can't be read as certificates of authorities")
        }
        if let certificate = tls.certificateFile, let key = tls.keyFile {
            guard amqp_ssl_socket_set_key(socket, certificate, key) == 0 else {
                throw RabbitError(.invalid, "\(certificate) and \(key) can't be read as a certificate and its key")
            }
        }
        return socket
    }

    private static func advice(_ status: Int32) -> String {
        switch amqp_status_enum(status) {
        case AMQP_STATUS_SSL_PEER_VERIFY_FAILED: "; name its authority in rabbitmq.ca_file"
        case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
            "; its certificate is for another host, or for an address: librabbitmq compares names alone"
        case AMQP_STATUS_SSL_CONNECTION_FAILED:
            "; is its port for TLS, and its certificate by an authority that is trusted?"
        default: ""
        }
    }
}

extension timeval {
    init(_ duration: Duration) {
        let milliseconds = max(0, duration.wholeMilliseconds)
        self.init(tv_sec: Int(milliseconds / 1000), tv_usec: Int(milliseconds % 1000) * 1000)
    }
}
