import ClientSupport
import ServiceSupport

extension SyncConfiguration {
    mutating func read(from reader: inout SettingsReader) throws {
        interval = try reader.duration("sync.interval", interval)
        fullInterval = try reader.duration("sync.full_interval", fullInterval)
        pollInterval = try reader.duration("sync.poll_interval", pollInterval, in: .milliseconds(10)...(.seconds(3600)))
        accountsMax = try reader.integer("sync.accounts_max", accountsMax, in: 1...1_000)
        rowsPerPage = try reader.integer("sync.rows_per_page", rowsPerPage, in: 1...100_000)
        pageBytesMax = try reader.integer("sync.page_bytes_max", pageBytesMax, in: 1024...268_435_456)
        pagesMax = try reader.integer("sync.pages_max", pagesMax, in: 1...100_000_000)
        requestsPerSecond = try reader.integer("sync.requests_per_second", requestsPerSecond, in: 1...1_000)
        requestTimeout = try reader.duration("sync.request_timeout", requestTimeout)
        triesMax = try reader.integer("sync.tries_max", triesMax, in: 1...100)
        let base = try reader.duration("sync.retry_base", backoff.base)
        let max = try reader.duration("sync.retry_max", backoff.max)
        guard max >= base else {
            throw ConfigurationError(key: "sync.retry_max", problem: "is shorter than sync.retry_base")
        }
        backoff = Backoff(base: base, max: max)
        retryAfterMax = try reader.duration("sync.retry_after_max", retryAfterMax)
        leaseDuration = try reader.duration(
            "sync.lease_duration", leaseDuration, in: .milliseconds(500)...(.seconds(3600)))
        logRetention = try reader.duration("sync.log_retention", logRetention)
    }
}
