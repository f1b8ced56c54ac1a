import Foundation
import Logging

/// Writes each event as one line: time, level, label, metadata, source, message.
struct LineLogHandler: LogHandler {
    let label: String
    let sink: LogSink
    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]

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
