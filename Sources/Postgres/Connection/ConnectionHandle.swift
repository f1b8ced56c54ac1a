import CLibPQ
import Logging

/// Owns one `PGconn`. Lives on its connection's thread; nothing here blocks once the name of the host is resolved.
struct ConnectionHandle: ~Copyable {
    private let connection: OpaquePointer
    private let notices: NoticeSink
    private var arguments = ArgumentList()

    /// Begins to connect.
    ///
    /// - Throws: `connectFailed`.
    static func connecting(
        _ configuration: PostgresConfiguration, to address: ServerAddress?, logger: Logger
    ) throws(PostgresError) -> ConnectionHandle {
        // A later keyword wins over an earlier one, and what the URL says replaces what stands before `dbname`.
        var keywords = [
            ("connect_timeout", "0"), ("keepalives_idle", "30"), ("keepalives_interval", "10"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "30000"), ("dbname", configuration.url.value),
            ("fallback_application_name", configuration.applicationName), ("client_encoding", "UTF8"),
        ]
        if let address {
            keywords += [
                ("host", address.host.name), ("hostaddr", address.host.address ?? ""), ("port", address.host.port),
            ]
            if let attributes = address.attributes { keywords.append(("target_session_attrs", attributes)) }
        }
        let started = CStringArray.withPointers(to: keywords.map(\.0)) { names in
            CStringArray.withPointers(to: keywords.map(\.1)) { values in PQconnectStartParams(names, values, 1) }
        }
        guard let started else { throw PostgresError(.connectFailed, "out of memory") }
        let handle = ConnectionHandle(started, notices: NoticeSink(logger: logger))
        if handle.isBad { throw handle.connectError() }
        return handle
    }

    private init(_ connection: OpaquePointer, notices: NoticeSink) {
        self.connection = connection
        self.notices = notices
        PQsetNoticeReceiver(connection, receiveNotice, Unmanaged.passUnretained(notices).toOpaque())
        // Verbose errors are the only ones that carry a SQLSTATE while connecting.
        PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
    }

    deinit {
        PQfinish(connection)
    }

    /// -1 when there is none.
    var socket: Int32 { PQsocket(connection) }
    var isBad: Bool { PQstatus(connection) == CONNECTION_BAD }
    var serverProcess: Int32 { PQbackendPID(connection) }
    var isInTransaction: Bool { PQtransactionStatus(connection) != PQTRANS_IDLE }

    // MARK: Connecting

    enum ConnectStep {
        case waitToRead
        case waitToWrite
        case connected
    }

    /// - Throws: `connectFailed`, with the server's SQLSTATE if it was the server that refused.
    mutating func continueConnecting() throws(PostgresError) -> ConnectStep {
        switch PQconnectPoll(connection) {
        case PGRES_POLLING_READING: return .waitToRead
        case PGRES_POLLING_WRITING: return .waitToWrite
        case PGRES_POLLING_OK: return .connected
        default: throw connectError()
        }
    }

    /// Readies a fresh connection for pipelined requests, and gives what cancels them.
    mutating func prepareForPipelining() throws(PostgresError) -> Canceller {
        guard PQsetnonblocking(connection, 1) == 0, PQenterPipelineMode(connection) == 1,
            let cancel = PQgetCancel(connection)
        else { throw connectError() }
        return Canceller(cancel)
    }

    private func connectError() -> PostgresError {
        let text = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
        let (sqlState, message) = ServerText.splitState(text)
        return PostgresError(
            .connectFailed, message, report: sqlState.map { PostgresError.ServerReport(sqlState: $0) })
    }

    /// Why the connection was lost before it was of use.
    func greetingError() -> PostgresError { connectError() }

    /// Why the last call failed.
    func lostError() -> PostgresError {
        let text = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
        return PostgresError(.connectionLost, ServerText.oneLine(text))
    }

    // MARK: Sending. Each returns false if the connection is no longer of use.

    mutating func sendPrepare(_ name: String, _ statement: PostgresStatement) -> Bool {
        let types = statement.parameters.types
        return PQsendPrepare(connection, name, statement.sql, Int32(types.count), types) == 1
    }

    mutating func sendPrepared(_ name: String, _ parameters: PostgresParameters) -> Bool {
        arguments.withArguments(parameters) { values, formats in
            PQsendQueryPrepared(
                connection, name, Int32(parameters.count), values, parameters.lengths, formats, 1) == 1
        }
    }

    /// Sends a statement that is parsed for this once.
    mutating func sendOnce(_ statement: PostgresStatement) -> Bool {
        let parameters = statement.parameters
        return arguments.withArguments(parameters) { values, formats in
            PQsendQueryParams(
                connection, statement.sql, Int32(parameters.count), parameters.types, values, parameters.lengths,
                formats, 1) == 1
        }
    }

    mutating func sendSync() -> Bool { PQpipelineSync(connection) == 1 }

    /// Results of the statement being answered come row by row. Only right after it was sent to an idle connection.
    mutating func askForSingleRows() -> Bool { PQsetSingleRowMode(connection) == 1 }

    /// Sends several statements as one text, outside pipeline mode.
    mutating func sendScript(_ sql: String) -> Bool { PQsendQuery(connection, sql) == 1 }

    mutating func leavePipelineMode() -> Bool { PQexitPipelineMode(connection) == 1 }
    mutating func enterPipelineMode() -> Bool { PQenterPipelineMode(connection) == 1 }

    enum FlushStep {
        case done
        case pending
        case failed
    }

    mutating func flush() -> FlushStep {
        switch PQflush(connection) {
        case 0: .done
        case 1: .pending
        default: .failed
        }
    }

    // MARK: Receiving

    /// Reads what the socket has; false if the connection is lost.
    mutating func consumeInput() -> Bool { PQconsumeInput(connection) == 1 }

    /// True while ``nextResult()`` would block.
    var isBusy: Bool { PQisBusy(connection) == 1 }

    /// The next result, or nil at the end of a statement's results.
    mutating func nextResult() -> ResultHandle? {
        PQgetResult(connection).map(ResultHandle.init)
    }

    mutating func nextNotification() -> (channel: String, payload: String)? {
        guard let notification = PQnotifies(connection) else { return nil }
        defer { PQfreemem(notification) }
        return (
            notification.pointee.relname.map { String(cString: $0) } ?? "",
            notification.pointee.extra.map { String(cString: $0) } ?? ""
        )
    }

    // MARK: Copying

    enum CopyStep {
        case row
        case wait
        case end
        case failed
    }

    /// Appends the next row of a COPY TO to `bytes`.
    mutating func copyRow(into bytes: inout [UInt8]) -> CopyStep {
        var row: UnsafeMutablePointer<CChar>?
        let length = PQgetCopyData(connection, &row, 1)
        guard length > 0, let row else { return length == 0 ? .wait : length == -1 ? .end : .failed }
        defer { PQfreemem(row) }
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: row, count: Int(length)))
        return .row
    }

    enum PutStep {
        case sent
        case wait
        case failed
    }

    mutating func putCopy(_ bytes: [UInt8]) -> PutStep {
        let sent = bytes.withUnsafeBytes { bytes in
            PQputCopyData(connection, bytes.bindMemory(to: CChar.self).baseAddress, Int32(clamping: bytes.count))
        }
        return Self.putStep(sent)
    }

    /// Ends a COPY FROM, making it fail at the server if there is a `complaint`.
    mutating func endCopy(complaint: String?) -> PutStep {
        Self.putStep(PQputCopyEnd(connection, complaint))
    }

    private static func putStep(_ result: Int32) -> PutStep {
        switch result {
        case 1: .sent
        case 0: .wait
        default: .failed
        }
    }
}

/// The pointers that libpq wants for parameters, in buffers that are used again.
private struct ArgumentList {
    private var values: [UnsafePointer<CChar>?] = []
    /// 1 for binary, in all places.
    private var formats: [Int32] = []
    /// An empty value needs an address too: none means NULL.
    private static let empty: StaticString = ""

    mutating func withArguments(
        _ parameters: PostgresParameters, _ body: ([UnsafePointer<CChar>?], [Int32]) -> Bool
    ) -> Bool {
        values.removeAll(keepingCapacity: true)
        while formats.count < parameters.count { formats.append(1) }
        return parameters.bytes.withUnsafeBytes { bytes in
            var offset = 0
            for length in parameters.lengths {
                if length < 0 {
                    values.append(nil)
                } else if length == 0 {
                    values.append(UnsafeRawPointer(Self.empty.utf8Start).assumingMemoryBound(to: CChar.self))
                } else {
                    values.append(bytes.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self))
                    offset += Int(length)
                }
            }
            return body(values, formats)
        }
    }
}
