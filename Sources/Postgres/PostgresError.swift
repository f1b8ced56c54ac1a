import ClientSupport

/// What went wrong with PostgreSQL. `description` is one line without passwords, statements or row data; `detail` may
/// hold row data.
package struct PostgresError: StoreFailure {
    package enum Code: String, Sendable {
        /// The URL or a setting makes no sense.
        case configuration
        /// No connection could be made.
        case connectFailed
        /// The connection went away.
        case connectionLost
        /// The client is closed.
        case closed
        /// Too many callers wait already.
        case overloaded
        /// The deadline passed.
        case deadlineExceeded
        /// The caller was cancelled.
        case cancelled
        /// The server refused the statement; see `sqlState`.
        case server
        /// Not run because an earlier statement of the same transaction failed.
        case skipped
        /// A cell is not what was asked for.
        case decoding
        /// Other than one row where one was expected.
        case rowCount
        /// The call is not possible.
        case usage
        /// The server or libpq did something unforeseen.
        case protocolViolation
    }

    /// What the server said beyond the message.
    final class ServerReport: Sendable {
        let sqlState: String
        let severity: String?
        let detail: String?
        let hint: String?
        let schema: String?
        let table: String?
        let column: String?
        let constraint: String?

        init(
            sqlState: String, severity: String? = nil, detail: String? = nil, hint: String? = nil,
            schema: String? = nil, table: String? = nil, column: String? = nil, constraint: String? = nil
        ) {
            self.sqlState = sqlState
            self.severity = severity
            self.detail = detail
            self.hint = hint
            self.schema = schema
            self.table = table
            self.column = column
            self.constraint = constraint
        }
    }

    /// Where in the calling code, for errors that are the caller's.
    package struct Location: Sendable, Hashable {
        package let file: String
        package let line: Int
    }

    package let code: Code
    package let message: String
    package internal(set) var statementName: String
    package internal(set) var mayHaveHappened: Bool
    package let cause: (any Error)?
    package let location: Location?
    let report: ServerReport?

    init(
        _ code: Code, _ message: String, statementName: String = "", mayHaveHappened: Bool = false,
        report: ServerReport? = nil, cause: (any Error)? = nil, location: Location? = nil
    ) {
        self.code = code
        self.message = message
        self.statementName = statementName
        self.mayHaveHappened = mayHaveHappened
        self.report = report
        self.cause = cause
        self.location = location
    }

    package var sqlState: String? { report?.sqlState }
    package var severity: String? { report?.severity }
    /// May hold row data: not for logs.
    package var detail: String? { report?.detail }
    package var hint: String? { report?.hint }
    package var schema: String? { report?.schema }
    package var table: String? { report?.table }
    package var column: String? { report?.column }
    package var constraint: String? { report?.constraint }

    /// This error, for a statement's name and with what is known of its effect.
    func about(_ statementName: String, mayHaveHappened: Bool = false) -> PostgresError {
        var error = self
        if error.statementName.isEmpty { error.statementName = statementName }
        error.mayHaveHappened = mayHaveHappened
        return error
    }
}

extension PostgresError {
    /// Why a connection was not to be had, although it was made.
    var refusingGreeting: PostgresError { PostgresError(.connectFailed, message, report: report) }

    /// Why none of several addresses served. As long as one of them may do so later, so may all.
    static func joined(_ errors: [PostgresError]) -> PostgresError {
        guard errors.count > 1 else {
            return errors.first ?? PostgresError(.connectFailed, "there is no address to connect to")
        }
        let main = errors.first { $0.isRetriable } ?? errors[0]
        return PostgresError(
            .connectFailed, errors.map(\.message).joined(separator: "; "), report: main.report)
    }

    /// The states that code asks for by name; see appendix A of PostgreSQL's documentation.
    package enum SQLState {
        package static let notNullViolation = "23502"
        package static let foreignKeyViolation = "23503"
        package static let uniqueViolation = "23505"
        package static let checkViolation = "23514"
        package static let readOnlyTransaction = "25006"
        package static let failedTransaction = "25P02"
        package static let unknownPreparedStatement = "26000"
        package static let serializationFailure = "40001"
        package static let deadlockDetected = "40P01"
        package static let lockNotAvailable = "55P03"
        package static let queryCanceled = "57014"
        package static let adminShutdown = "57P01"
        package static let crashShutdown = "57P02"
        package static let cannotConnectNow = "57P03"
        package static let featureNotSupported = "0A000"
        package static let protocolViolation = "08P01"
        package static let duplicatePreparedStatement = "42P05"
    }

    package var isUniqueViolation: Bool { sqlState == SQLState.uniqueViolation }
    package var isForeignKeyViolation: Bool { sqlState == SQLState.foreignKeyViolation }
    /// A value that its type does not have.
    package var isDataException: Bool { sqlState?.hasPrefix("22") ?? false }
    package var isCheckViolation: Bool { sqlState == SQLState.checkViolation }
    package var isSerializationFailure: Bool {
        sqlState == SQLState.serializationFailure || sqlState == SQLState.deadlockDetected
    }

    package var isUnavailable: Bool {
        switch code {
        case .connectFailed: sqlState != SQLState.protocolViolation
        case .connectionLost, .closed, .overloaded, .deadlineExceeded: true
        default: sqlState.map(Self.saysUnavailable) ?? false
        }
    }

    /// A value that does not fit its type, its column or a rule of its table; what another row must be there for may come.
    package var isRefusedValue: Bool {
        guard let sqlState, sqlState != SQLState.foreignKeyViolation else { return false }
        return sqlState.hasPrefix("22") || sqlState.hasPrefix("23") || sqlState.hasPrefix("54")
    }

    package var isContended: Bool {
        sqlState == SQLState.lockNotAvailable || sqlState == SQLState.deadlockDetected
    }

    package var isRetriable: Bool {
        switch code {
        // A refused password or an unknown database stays so; an unreachable or starting server does not.
        case .connectFailed: sqlState.map(Self.saysUnavailable) ?? true
        case .connectionLost, .overloaded, .deadlineExceeded: true
        case .server, .skipped:
            switch sqlState {
            case SQLState.serializationFailure, SQLState.deadlockDetected, SQLState.lockNotAvailable,
                SQLState.readOnlyTransaction:
                true
            default: sqlState.map(Self.saysUnavailable) ?? false
            }
        default: false
        }
    }

    /// Shutdown, crash, start-up, a statement that took longer than the server allows, all of class 08 (connections), and
    /// all of class 53 (a full disk, too little memory, too many connections): no other statement would fare better now.
    private static func saysUnavailable(_ state: String) -> Bool {
        switch state {
        case SQLState.adminShutdown, SQLState.crashShutdown, SQLState.cannotConnectNow, SQLState.queryCanceled: true
        // A pool that does not take a setting of the URL, above all `options`: it never will.
        case SQLState.protocolViolation: false
        default: state.hasPrefix("08") || state.hasPrefix("53")
        }
    }

    package var description: String {
        var text = "postgres \(code.rawValue)"
        if let sqlState { text += " \(sqlState)" }
        if !statementName.isEmpty { text += " in \(statementName)" }
        text += ": \(safeMessage)"
        if let constraint { text += " (constraint \(constraint))" }
        if mayHaveHappened { text += " (it may have happened)" }
        if let location { text += " (\(location.file):\(location.line))" }
        return text
    }

    /// Errors about data quote the data, `invalid input syntax for type uuid: "..."`: all between the first and the last
    /// quote goes. Names in other errors may stay, and a connection that is refused has no data yet.
    private var safeMessage: String {
        guard code != .connectFailed else { return ServerText.oneLine(message) }
        var text = message[...]
        if let sqlState, sqlState.hasPrefix("22"), let first = text.firstIndex(of: "\""),
            let last = text.lastIndex(of: "\"")
        {
            text = "\(text[..<first])...\(text[last...].dropFirst())"
        }
        return text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }
}
