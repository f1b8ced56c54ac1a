package import Logging

extension QuartetConfiguration {
    /// The process's logger: lines on standard error.
    package func logger(_ label: String) -> Logger {
        var logger = Logger(label: "quartet.\(label)") {
            LineLogHandler(label: $0, sink: .standardError)
        }
        logger.logLevel = level
        return logger
    }

    var level: Logger.Level { Logger.Level(rawValue: logLevel.rawValue) ?? .info }

    /// The logger of a command whose output is a report: what `log.level` shows unasked, that all is as usual, is left out.
    package func reportLogger(_ label: String) -> Logger {
        var logger = logger(label)
        if logger.logLevel == .info { logger.logLevel = .notice }
        return logger
    }
}
