import QuartetCore

extension CheckConfiguration {
    mutating func read(from reader: inout SettingsReader) throws {
        settleWindow = try reader.duration(
            "check.settle_window", settleWindow, in: .milliseconds(100)...(.seconds(86_400)))
        secondLookPause = try reader.duration(
            "check.second_look_pause", secondLookPause, in: .milliseconds(1)...(.seconds(3600)))
        requestsPerChunk = try reader.integer("check.requests_per_chunk", requestsPerChunk, in: 1...20_000)
        segmentsPerChunk = try reader.integer("check.segments_per_chunk", segmentsPerChunk, in: 1...2_000)
        keysPerChunk = try reader.integer("check.keys_per_chunk", keysPerChunk, in: 1...5_000)
        workShare = try reader.integer("check.work_share", workShare, in: 1...100)
        suspectsMax = try reader.integer("check.suspects_max", suspectsMax, in: 1...100_000)
        alertsMax = try reader.integer("check.alerts_max", alertsMax, in: 0...1_000_000)
        examplesPerKind = try reader.integer("check.examples_per_kind", examplesPerKind, in: 0...1_000)
        fullInterval = try reader.duration("check.full_interval", fullInterval)
        retention = try reader.duration("check.retention", retention, in: .seconds(3600)...(.seconds(315_360_000)))
        let text = try reader.string("check.schedule", schedule.setting(duration: SettingsReader.text))
        guard let schedule = CheckSchedule(text, duration: SettingsReader.duration) else {
            throw reader.refusal("check.schedule", text, "off, a time of day in UTC like 03:00, or a duration like 6h")
        }
        self.schedule = schedule
        repairsOnSchedule = try reader.flag("check.repair", repairsOnSchedule)
    }
}
