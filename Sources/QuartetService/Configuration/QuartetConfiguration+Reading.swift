import ClientSupport
import Foundation
import QuartetAPI
import QuartetCore
import QuartetDatabases
import QuartetEmotion
import QuartetRoles
import QuartetStores

/// The parts of the configuration that a command uses: what is wrong in others does not stop it.
package struct ConfigurationUse: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package static let stores = ConfigurationUse(rawValue: 1)
    package static let api = ConfigurationUse(rawValue: 2)
    package static let work = ConfigurationUse(rawValue: 4)
    /// The outbox, and who reads what the relay delivers.
    package static let relay = ConfigurationUse(rawValue: 8)
    package static let check = ConfigurationUse(rawValue: 16)
    package static let sync = ConfigurationUse(rawValue: 32)
    /// The address of the API and its key alone.
    package static let client: ConfigurationUse = []
    package static let everything: ConfigurationUse = [.stores, .api, .work, .relay, .check, .sync]

    /// What roles use. The shards of the outbox are everybody's.
    package init(roles: Set<RoleName>) {
        self = [.stores, .relay]
        if roles.contains(.serve) { insert(.api) }
        if roles.contains(.work) { insert(.work) }
        if roles.contains(.check) { insert(.check) }
        if roles.contains(.sync) { insert(.sync) }
    }
}

extension QuartetConfiguration {
    /// Where the file is looked for when none is named.
    package static let usualPath = "config/quartet.yaml"

    /// Reads the file at `path` (the usual one, if it exists, for nil) and the environment above it.
    ///
    /// - Throws: `ConfigurationError` for an unknown key or an impossible value.
    package static func load(
        path: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment,
        for use: ConfigurationUse = .everything
    ) throws -> QuartetConfiguration {
        let usual = FileManager.default.fileExists(atPath: usualPath) ? usualPath : nil
        var reader = try SettingsReader(filePath: path ?? usual, environment: environment)
        let configuration = try read(from: &reader, for: use)
        // Databases that the configuration names have keys, too.
        try reader.finish(knowing: knownKeys().map(\.key) + reader.known.map(\.key))
        return configuration
    }

    /// Every key and its default, in the order of the file.
    static func knownKeys() throws -> [SettingsReader.Known] {
        var reader = try SettingsReader(filePath: nil, environment: [:])
        _ = try read(from: &reader, for: .everything)
        return reader.known
    }

    private static func read(
        from reader: inout SettingsReader, for use: ConfigurationUse
    ) throws -> QuartetConfiguration {
        var configuration = QuartetConfiguration()
        configuration.logLevel = try reader.choice("log.level", configuration.logLevel)
        try reader.part(use.contains(.stores)) { reader in
            try configuration.databases.read(from: &reader)
            try configuration.tables.read(from: &reader, among: configuration.databases.names)
            try configuration.readServices(from: &reader)
            try configuration.redis.read(from: &reader)
            try configuration.mongo.read(from: &reader)
            try configuration.kafka.read(from: &reader)
            try configuration.rabbit.read(from: &reader)
            try configuration.routes.read(from: &reader)
        }
        configuration.api.key = try reader.secret("quartet.api.key", configuration.api.key)
        guard Self.canBeSent(configuration.api.key) || !(use.isEmpty || use.contains(.api)) else {
            throw ConfigurationError(
                key: "quartet.api.key",
                problem: "has a blank at an end or a control character, which no caller can send")
        }
        configuration.apiURL = try reader.string("quartet.api.url", configuration.apiURL)
        try reader.part(use.contains(.api)) { try configuration.readAPI(from: &$0) }
        try reader.part(use.contains(.stores)) { reader in
            configuration.metrics.host = try reader.host("metrics.host", configuration.metrics.host)
            configuration.metrics.port = try reader.integer("metrics.port", configuration.metrics.port, in: 0...65_535)
            configuration.shutdownTimeout = try reader.duration("shutdown.timeout", configuration.shutdownTimeout)
        }
        try reader.part(use.contains(.work)) { try configuration.worker.read(from: &$0) }
        try reader.part(use.contains(.relay)) { try configuration.readRelay(from: &$0) }
        try reader.part(use.contains(.check)) { try configuration.check.read(from: &$0) }
        try reader.part(use.contains(.sync)) { try configuration.sync.read(from: &$0) }
        try reader.part(use.contains(.work)) { try configuration.emotion.read(from: &$0) }
        return configuration
    }

    /// As a field of a head.
    private static func canBeSent(_ key: String) -> Bool {
        key.trimmingCharacters(in: .whitespaces) == key
            && key.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    /// The parts that can be changed while processes run: whatever the reader does not have stays.
    mutating func readLive(from reader: inout SettingsReader) throws {
        logLevel = try reader.choice("log.level", logLevel)
        try readAPI(from: &reader)
        try worker.read(from: &reader)
        try readRelay(from: &reader)
        try check.read(from: &reader)
        try sync.read(from: &reader)
    }

    private mutating func readAPI(from reader: inout SettingsReader) throws {
        api.host = try reader.host("quartet.api.host", api.host)
        api.port = try reader.integer("quartet.api.port", api.port, in: 0...65_535)
        api.waitingMax = try reader.integer("quartet.api.waiting_max", api.waitingMax, in: 1...1_000_000)
        api.submitsPerBatchMax = try reader.integer(
            "quartet.api.submits_per_batch_max", api.submitsPerBatchMax, in: 1...5_000)
        api.cardsPerPageMax = try reader.integer("quartet.api.cards_per_page_max", api.cardsPerPageMax, in: 1...10_000)
        api.watchersMax = try reader.integer("quartet.api.watchers_max", api.watchersMax, in: 1...1_000_000)
        api.watchedCardsMax = try reader.integer(
            "quartet.api.watched_cards_max", api.watchedCardsMax, in: 1...100_000_000)
        api.watchInterval = try reader.duration("quartet.api.watch_interval", api.watchInterval)
        api.heartbeatInterval = try reader.duration("quartet.api.heartbeat_interval", api.heartbeatInterval)
        api.idleTimeout = try reader.duration("quartet.api.idle_timeout", api.idleTimeout)
        api.writeTimeout = try reader.duration("quartet.api.write_timeout", api.writeTimeout)
        api.requestTimeout = try reader.duration("quartet.api.request_timeout", api.requestTimeout)
        api.bodyRateMin = try reader.integer("quartet.api.body_rate_min", api.bodyRateMin, in: 1...1_000_000_000)
        api.connectionsMax = try reader.integer("quartet.api.connections_max", api.connectionsMax, in: 1...1_000_000)
        api.cache.delayMax = try reader.duration("quartet.api.cache_delay_max", api.cache.delayMax)
        api.limits.textBytesMax = try reader.integer(
            "quartet.api.review_bytes_max", api.limits.textBytesMax, in: 1...1_000_000)
        api.limits.reviewsPerCallMax = try reader.integer(
            "quartet.api.reviews_per_call_max", api.limits.reviewsPerCallMax, in: 1...100_000)
        api.limits.bodyBytesMax = try reader.integer(
            "quartet.api.body_bytes_max", api.limits.bodyBytesMax, in: 1024...268_435_456)
        api.bodiesBytesMax = try reader.integer(
            "quartet.api.bodies_bytes_max", api.bodiesBytesMax, in: 1024...17_179_869_184)
        guard api.bodiesBytesMax >= api.limits.bodyBytesMax else {
            throw ConfigurationError(
                key: "quartet.api.bodies_bytes_max", problem: "is less than quartet.api.body_bytes_max")
        }
    }

    private mutating func readRelay(from reader: inout SettingsReader) throws {
        outboxShards = try reader.integer("outbox.shards", outboxShards, in: 1...256)
        relay.retention = try reader.duration(
            "outbox.retention", relay.retention, in: .seconds(60)...(.seconds(31_536_000)))
        relay.rowsPerBatchMax = try reader.integer("relay.rows_per_batch_max", relay.rowsPerBatchMax, in: 1...10_000)
        relay.leaseDuration = try reader.duration("relay.lease_duration", relay.leaseDuration)
        relay.pollInterval = try reader.duration("relay.poll_interval", relay.pollInterval)
        relay.oldTransactionAge = try reader.duration("relay.old_transaction_age", relay.oldTransactionAge)
        relay.purgeInterval = try reader.duration("relay.purge_interval", relay.purgeInterval)
        events.eventsPerBatchMax = try reader.integer(
            "events.per_batch_max", events.eventsPerBatchMax, in: 1...10_000)
        events.pollTimeout = try reader.duration("events.poll_timeout", events.pollTimeout)
        redrive.interval = try reader.duration(
            "events.redrive_interval", redrive.interval, in: .milliseconds(100)...(.seconds(86_400)))
        redrive.pause = try reader.duration(
            "events.redrive_pause", redrive.pause, in: .milliseconds(1)...(.seconds(3600)))
        redrive.timesMax = try reader.integer("events.redrives_max", redrive.timesMax, in: 0...1000)
        let names = try reader.string("project.projections", project.projections.joined(separator: ", "))
        project.projections = names.split(separator: ",").map { $0.filter { $0 != " " } }
        _ = try Projections.named(project.projections)
        project.metricsInterval = try reader.duration(
            "project.metrics_interval", project.metricsInterval, in: .milliseconds(100)...(.seconds(86_400)))
        orders.partitions = try reader.integer("orders.partitions", orders.partitions, in: 1...10_000)
        orders.consumers = try reader.integer("orders.consumers", orders.consumers, in: 0...256)
        project.rowsPerPage = try reader.integer("project.rows_per_page", project.rowsPerPage, in: 1...1_000_000)
        try watches.read(from: &reader)
        aging.interval = try reader.duration(
            "aging.interval", aging.interval, in: .milliseconds(100)...(.seconds(86_400)))
        aging.newRows = try reader.integer("aging.new_rows", aging.newRows, in: 1...500)
        aging.oldRows = try reader.integer("aging.old_rows", aging.oldRows, in: 1...500)
        aging.life = try reader.duration("aging.life", aging.life, in: .seconds(1)...(.seconds(604_800)))
    }
}

extension DatabasesConfiguration {
    fileprivate mutating func read(from reader: inout SettingsReader) throws {
        names = try Self.names(from: &reader)
        type = try reader.choice("db.type", type)
        host = try reader.string("db.host", host)
        port = try reader.integer("db.port", port, in: 1...65_535)
        user = try reader.string("db.user", user)
        password = try reader.secret("db.password", password)
        project = try reader.string("db.project", project)
        connectionsMax = try reader.integer("db.connections_max", connectionsMax, in: 2...1_000)
        connectTimeout = try reader.duration("db.connect_timeout", connectTimeout)
        statementTimeout = try reader.duration("db.statement_timeout", statementTimeout)
        lockTimeout = try reader.duration("db.lock_timeout", lockTimeout)
        pooling = try reader.choice("db.pooling", pooling)
        for name in names { settings[name] = try Self.settings(of: name, from: &reader) }
        guard settings.values.contains(where: { $0.url.isEmpty }) else { return }
        if type == .supabase, project.isEmpty {
            throw ConfigurationError(key: "db.project", problem: "supabase needs the project reference")
        }
        if type == .rds, host.isEmpty {
            throw ConfigurationError(key: "db.host", problem: "rds needs the instance's or cluster's endpoint")
        }
    }

    private static func names(from reader: inout SettingsReader) throws -> [DatabaseName] {
        let text = try reader.string("db.names", DatabaseName.usual.map(\.rawValue).joined(separator: ", "))
        let names = text.split(separator: ",").map { DatabaseName(rawValue: String($0.filter { $0 != " " })) }
        guard !names.isEmpty, Set(names).count == names.count, names.allSatisfy({ Self.isPlain($0.rawValue) }) else {
            throw reader.refusal("db.names", text, "names of a-z, 0-9 and _, each once, separated by commas")
        }
        return names
    }

    private static func settings(
        of name: DatabaseName, from reader: inout SettingsReader
    ) throws -> DatabaseSettings {
        let key = "\(name).database"
        var settings = DatabaseSettings()
        settings.url = try reader.secret("\(key).url", "")
        settings.role = try role("\(key).role", from: &reader)
        settings.connectionsMax = try reader.optional("\(key).connections_max") {
            try $0.integer($1, 8, in: 2...1_000)
        }
        settings.connectTimeout = try reader.optional("\(key).connect_timeout") { try $0.duration($1, .seconds(5)) }
        settings.statementTimeout = try reader.optional("\(key).statement_timeout") {
            try $0.duration($1, .seconds(30))
        }
        settings.lockTimeout = try reader.optional("\(key).lock_timeout") { try $0.duration($1, .milliseconds(500)) }
        return settings
    }

    fileprivate static func role(_ key: String, from reader: inout SettingsReader) throws -> String {
        let role = try reader.string(key, "")
        guard role.isEmpty || isPlain(role) else {
            throw reader.refusal(key, role, "a role's name of a-z, 0-9 and _")
        }
        return role
    }

    private static func isPlain(_ name: String) -> Bool {
        (1...48).contains(name.utf8.count) && name.first?.isNumber == false
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "_")
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
    }
}

extension QuartetConfiguration {
    fileprivate mutating func readServices(from reader: inout SettingsReader) throws {
        for service in tables.services where service.hasOwnPool {
            let key = "services.\(service.name)"
            var settings = ServiceSettings()
            settings.connectionsMax = try reader.integer(
                "\(key).connections_max", settings.connectionsMax, in: 1...1_000)
            settings.role = try DatabasesConfiguration.role("\(key).role", from: &reader)
            services[service.name] = settings
        }
    }
}

extension TableMap {
    fileprivate mutating func read(from reader: inout SettingsReader, among names: [DatabaseName]) throws {
        for table in movable {
            let key = "tables.\(table)"
            let database = try reader.string("\(key).database", self[table].database.rawValue)
            let schema = try reader.string("\(key).schema", self[table].schema)
            do {
                try move(table.rawValue, toDatabase: database, schema: schema, among: names)
            } catch {
                throw ConfigurationError(key: key, problem: "\(error)")
            }
        }
        do {
            try requireServicesTogether()
        } catch {
            throw ConfigurationError(key: "tables", problem: "\(error)")
        }
    }
}

extension RedisSettings {
    fileprivate mutating func read(from reader: inout SettingsReader) throws {
        url = try reader.secret("redis.url", url)
        isCluster = try reader.flag("redis.cluster", isCluster)
        clusterAddresses = try reader.string("redis.cluster_addresses", clusterAddresses)
        prefix = try reader.string("redis.prefix", prefix)
        guard !prefix.contains(where: { $0 == "{" || $0 == "}" }) else {
            throw reader.refusal("redis.prefix", prefix, "a prefix without braces")
        }
        connectTimeout = try reader.duration("redis.connect_timeout", connectTimeout)
        commandTimeout = try reader.duration("redis.command_timeout", commandTimeout)
        progressTTL = try reader.duration("redis.progress_ttl", progressTTL)
        try files.read("redis", from: &reader)
        for family in CacheFamily.all {
            cache.timesToLive[family] = try reader.duration("redis.\(family.settingName)", family.timeToLive)
        }
        cache.nothingTTL = try reader.duration("redis.nothing_ttl", cache.nothingTTL)
        cache.tombstoneTTL = try reader.duration("redis.tombstone_ttl", cache.tombstoneTTL)
        cache.timeout = try reader.duration("redis.cache_timeout", cache.timeout)
        cache.keys = RedisKeys(prefix: prefix, isCluster: isCluster)
    }
}

extension MongoSettings {
    fileprivate mutating func read(from reader: inout SettingsReader) throws {
        url = try reader.secret("mongodb.url", url)
        connectionsMax = try reader.integer("mongodb.connections_max", connectionsMax, in: 1...1_000)
        serverSelectionTimeout = try reader.duration("mongodb.server_selection_timeout", serverSelectionTimeout)
        operationTimeout = try reader.duration("mongodb.operation_timeout", operationTimeout)
    }
}

extension KafkaSettings {
    fileprivate mutating func read(from reader: inout SettingsReader) throws {
        brokers = try reader.string("kafka.brokers", brokers)
        prefix = try reader.string("kafka.prefix", prefix)
        guard prefix.count <= 100,
            prefix.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
        else { throw reader.refusal("kafka.prefix", prefix, "up to 100 of A-Z a-z 0-9 . _ -") }
        groupPrefix = try reader.string("kafka.group_prefix", groupPrefix)
        linger = try reader.duration("kafka.linger", linger)
        deliveryTimeout = try reader.duration("kafka.delivery_timeout", deliveryTimeout)
        sessionTimeout = try reader.duration("kafka.session_timeout", sessionTimeout)
        fetchWait = try reader.duration("kafka.fetch_wait", fetchWait)
        topicPartitions = try reader.integer("kafka.topics.partitions", topicPartitions, in: 0...10_000)
        topicReplicas = try reader.integer("kafka.topics.replicas", topicReplicas, in: 0...100)
        topicRetention = try reader.duration(
            "kafka.topics.retention", topicRetention, in: .seconds(60)...(.seconds(315_360_000)))
        security = try reader.choice("kafka.security", security)
        mechanism = try reader.choice("kafka.mechanism", mechanism)
        username = try reader.string("kafka.username", username)
        password = try reader.secret("kafka.password", password)
        authorityFile = try reader.string("kafka.ca_file", authorityFile)
        certificateFile = try reader.string("kafka.certificate_file", certificateFile)
        keyFile = try reader.string("kafka.key_file", keyFile)
    }
}

extension WorkerConfiguration {
    fileprivate mutating func read(from reader: inout SettingsReader) throws {
        tasksMax = try reader.integer("worker.tasks_max", tasksMax, in: 1...WorkerConfiguration.tasksAtMost)
        reviewsPerChunk = try reader.integer("worker.reviews_per_chunk", reviewsPerChunk, in: 1...10_000)
        timePerSegment = try reader.duration("worker.time_per_segment", timePerSegment)
        reviewsPerAnalysisMax = try reader.integer(
            "worker.reviews_per_analysis_max", reviewsPerAnalysisMax, in: 1...100_000)
        leaseDuration = try reader.duration(
            "worker.lease_duration", leaseDuration, in: .milliseconds(500)...(.seconds(3600)))
        attemptsMax = try reader.integer("worker.attempts_max", attemptsMax, in: 1...100)
        let base = try reader.duration("worker.retry_base", retryBackoff.base)
        let max = try reader.duration("worker.retry_max", retryBackoff.max)
        guard max >= base else {
            throw ConfigurationError(key: "worker.retry_max", problem: "is shorter than worker.retry_base")
        }
        retryBackoff = Backoff(base: base, max: max)
        pollInterval = try reader.duration("worker.poll_interval", pollInterval)
        drainTimeout = try reader.duration("worker.drain_timeout", drainTimeout)
        cardsPerBatchMax = try reader.integer("worker.cards_per_batch_max", cardsPerBatchMax, in: 1...10_000)
        itemsPerBatchMax = try reader.integer("worker.items_per_batch_max", itemsPerBatchMax, in: 1...10_000)
    }
}

extension EmotionSettings {
    fileprivate mutating func read(from reader: inout SettingsReader) throws {
        analyzer = try reader.choice("emotion.analyzer", analyzer)
        modelPath = try reader.string("emotion.model", modelPath)
        url = try reader.string("emotion.http.url", url)
        if analyzer == .http || !url.isEmpty, !Self.isHTTP(url) {
            throw reader.refusal("emotion.http.url", url, "an http:// or https:// URL")
        }
        token = try reader.secret("emotion.http.token", token)
        http.version = try reader.string("emotion.http.version", http.version)
        guard (1...64).contains(http.version.utf8.count) else {
            throw reader.refusal("emotion.http.version", http.version, "a name of 1 to 64 bytes")
        }
        http.reviewsPerRequestMax = try reader.integer(
            "emotion.http.reviews_per_request_max", http.reviewsPerRequestMax, in: 1...10_000)
        http.requestsMax = try reader.integer("emotion.http.requests_max", http.requestsMax, in: 1...1_000)
        http.requestsPerSecondMax = try reader.integer(
            "emotion.http.requests_per_second_max", http.requestsPerSecondMax, in: 0...100_000)
        http.requestTimeout = try reader.duration("emotion.http.request_timeout", http.requestTimeout)
        http.triesMax = try reader.integer("emotion.http.tries_max", http.triesMax, in: 1...100)
        let base = try reader.duration("emotion.http.retry_base", http.backoff.base)
        let max = try reader.duration("emotion.http.retry_max", http.backoff.max)
        guard max >= base else {
            throw ConfigurationError(key: "emotion.http.retry_max", problem: "is shorter than emotion.http.retry_base")
        }
        http.backoff = Backoff(base: base, max: max)
        http.retryAfterMax = try reader.duration("emotion.http.retry_after_max", http.retryAfterMax)
    }

    private static func isHTTP(_ text: String) -> Bool {
        guard let url = URL(string: text), let host = url.host(), !host.isEmpty else { return false }
        return ["http", "https"].contains(url.scheme?.lowercased())
    }
}
