package import Logging

extension QuartetConfiguration {
    /// The process's logger: lines on standard error.
    package func logger(_ label: String) -> Logger {
        var logger = Logger(label: "quartet.\(label)") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: logLevel.rawValue) ?? .info
        return logger
    }
}
