import Foundation
import Logging
import Synchronization

/// Writes each event as one line: time, level, label, metadata, source, message.
struct LineLogHandler: LogHandler {
    let label: String
    let sink: LogSink
    /// What `log.level` says while the process runs counts before what the logger was made with.
    var logLevel: Logger.Level {
        get { LogThreshold.live.level ?? ownLevel }
        set { ownLevel = newValue }
    }
    private var ownLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]

    init(label: String, sink: LogSink) {
        self.label = label
        self.sink = sink
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata.merging(event.metadata ?? [:]) { _, own in own }
        if let error = event.error { all["error.message"] = "\(error)" }
        let words = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let time = Date.now.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
        let line = "\(time)Z \(event.level) \(label):\(words) [\(event.source)] \(event.message)"
        // One event is one line, whatever a store or a caller put into it.
        sink.write(line.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n")
    }
}

/// A level for all loggers of the process; nil leaves each its own.
final class LogThreshold: Sendable {
    static let live = LogThreshold()

    private let value = Mutex<Logger.Level?>(nil)

    var level: Logger.Level? { value.withLock { $0 } }

    func set(_ level: Logger.Level?) { value.withLock { $0 = level } }
}
