package import Logging

extension Logger {
    /// For service groups: below `info` they print services with all that these hold, and so settings and secrets.
    package var forServiceGroups: Logger {
        var logger = self
        logger.logLevel = max(logLevel, .info)
        return logger
    }
}
