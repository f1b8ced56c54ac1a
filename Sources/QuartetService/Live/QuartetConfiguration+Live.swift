import QuartetCore
import SystemRoom

/// What can be changed while processes run. Types, ranges and defaults are those of `QuartetConfiguration+Reading.swift`; here
/// is which keys roles ask for anew each time.
private let liveKeys: [(key: String, roles: [String], about: String)] = [
    ("log.level", ["all"], "What is written to the log."),
    ("quartet.api.review_bytes_max", ["serve"], "Bytes of a review's text."),
    ("quartet.api.reviews_per_call_max", ["serve"], "Reviews of one call."),
    ("quartet.api.cards_per_page_max", ["serve"], "Cards of one answer."),
    ("quartet.api.watchers_max", ["serve"], "Event streams that are open at once, in each process."),
    ("worker.tasks_max", ["work"], "Tasks in hand at once, in each process."),
    ("worker.reviews_per_chunk", ["work"], "Reviews that are analysed together at most."),
    ("worker.attempts_max", ["work"], "Attempts; the last one's failure makes an analysis `failed`."),
    ("relay.rows_per_batch_max", ["relay"], "Rows of the outbox that are read and delivered together."),
    ("relay.poll_interval", ["relay"], "How often a relay looks without a notification."),
    (
        "events.redrive_interval", ["relay"],
        "How often events that were put aside are looked through for some that are due."
    ),
    ("events.redrive_pause", ["relay"], "Until an event that was put aside is tried again, the first time."),
    ("events.redrives_max", ["relay"], "How often it is tried again; 0 leaves all of them to people."),
    ("sync.interval", ["sync"], "After a run ended, until the next; accounts may have their own."),
    ("sync.full_interval", ["sync"], "Between passes over all that a supplier has."),
    ("sync.poll_interval", ["sync"], "How often the role looks what is due."),
    ("sync.accounts_max", ["sync"], "Accounts of suppliers, and of markets, that the role syncs at once."),
    ("sync.requests_per_second", ["sync"], "To each supplier, from the next run on; accounts may have their own."),
    ("check.schedule", ["check"], "When sweeps begin: off, a time of day in UTC like 03:00, or an interval like 6h."),
    ("check.repair", ["check"], "Whether sweeps on schedule mend too, from the next one on."),
    ("check.work_share", ["check"], "Percent of its time that a sweep works, from the next one on."),
    ("aging.interval", ["cache"], "Between two turns of an aging cache."),
    ("aging.new_rows", ["cache"], "Rows of a turn that never had one."),
    ("aging.old_rows", ["cache"], "Rows of a turn whose last one was longest ago."),
    ("aging.life", ["cache"], "How long the rows stay in Redis when nobody refills them."),
]

extension QuartetConfiguration {
    /// This one with `values` in place of its own, by key.
    func overridden(by values: [String: String]) throws(ConfigurationError) -> QuartetConfiguration {
        var reader = SettingsReader(values: values, label: "system_config")
        return try overridden(from: &reader)
    }

    /// The keys that can be changed, with what this configuration says.
    func liveSettings() throws -> [LiveSetting] {
        var reader = SettingsReader(values: [:], label: "system_config")
        _ = try overridden(from: &reader)
        let known = Dictionary(reader.known.map { ($0.key, $0) }) { $1 }
        return try liveKeys.map { key, roles, about in
            guard let known = known[key] else { throw ConfigurationError(key: key, problem: "is not read live") }
            return LiveSetting(key: key, kind: known.kind, fallback: known.fallback, roles: roles, about: about)
        }
    }

    private func overridden(
        from reader: inout SettingsReader
    ) throws(ConfigurationError) -> QuartetConfiguration {
        var configuration = self
        do {
            try configuration.readLive(from: &reader)
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError(key: "system_config", problem: "\(error)")
        }
        return configuration
    }
}
