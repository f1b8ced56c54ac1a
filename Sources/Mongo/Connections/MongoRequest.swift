/// One command, ready to be sent but for its time limit, session and write number.
struct MongoRequest: Sendable {
    enum Repetition: Sendable {
        case never
        /// A read: the second one does no harm.
        case read
        /// A write that the server does once however often it comes with the same number.
        case numberedWrite
    }

    let command: BSONDocument
    let database: String
    /// For errors: "insert quartet.emotion_cards".
    let operation: String
    var repetition = Repetition.never
    var isWrite = false
    /// Whether the command takes `maxTimeMS`; a getMore takes its cursor's.
    var takesMaxTime = true
}

/// Whether a command is sent once more.
extension MongoRequest {
    static let attemptsMax = 3

    func isRepeated(after result: Result<BSONDocument, MongoError>, attempt: Int, isNumbered: Bool) -> Bool {
        guard attempt < Self.attemptsMax else { return false }
        switch result {
        case .success(let reply): return isNumbered && Self.wasCutShort(reply)
        case .failure(let error): return isRepeated(after: error, isNumbered: isNumbered)
        }
    }

    private func isRepeated(after error: MongoError, isNumbered: Bool) -> Bool {
        let passes =
            switch error.code {
            case .connectionLost: true
            // The server went away between its choice and the sending; a search that found none was long enough.
            case .serverSelection: error.isStaleChoice
            case .server: error.isUnavailable || error.labels.contains("RetryableWriteError")
            default: false
            }
        guard passes else { return false }
        return switch repetition {
        case .never: false
        case .read: true
        case .numberedWrite: isNumbered || !error.mayHaveHappened
        }
    }

    /// The primary made the write and stepped down before others had it: the repetition waits for them.
    private static func wasCutShort(_ reply: BSONDocument) -> Bool {
        reply["writeConcernError"] != nil
            && reply["errorLabels"]?.asArray?.contains(.string("RetryableWriteError")) == true
    }
}
