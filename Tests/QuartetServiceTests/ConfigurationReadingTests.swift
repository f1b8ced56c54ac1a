import ClientSupport
import Foundation
import Logging
import QuartetAPI
import QuartetCore
import QuartetEmotion
import QuartetRoles
import QuartetStores
import Testing

@testable import QuartetService

@Suite struct ConfigurationReadingTests {
    @Test func theEnvironmentWinsOverTheFileAndTheFileOverTheDefault() throws {
        let file = "worker:\n  tasks_max: 7\n  poll_interval: 2s\n"
        try Files.withFile(file) { path in
            let configuration = try QuartetConfiguration.load(path: path, environment: ["WORKER_TASKS_MAX": "9"])
            #expect(configuration.worker.tasksMax == 9)
            #expect(configuration.worker.pollInterval == .seconds(2))
            #expect(configuration.worker.attemptsMax == 5)
        }
    }

    @Test func everyKeyReachesTheConfiguration() throws {
        let configuration = try loaded([
            "QUARTET_API_PORT": "0", "RELAY_LEASE_DURATION": "1500ms", "OUTBOX_SHARDS": "3", "REDIS_PREFIX": "a:",
            "KAFKA_FETCH_WAIT": "20ms", "EVENTS_POLL_TIMEOUT": "3s", "WORKER_RETRY_BASE": "1ms",
            "MONGODB_OPERATION_TIMEOUT": "1m", "LOG_LEVEL": "debug", "DB_CONNECTIONS_MAX": "3",
            "EMOTION_ANALYZER": "http", "EMOTION_HTTP_URL": "https://127.0.0.1:8399/read", "EMOTION_MODEL": "a.model",
            "EMOTION_HTTP_REQUESTS_PER_SECOND_MAX": "7", "EMOTION_HTTP_RETRY_AFTER_MAX": "2s",
        ])
        #expect(configuration.emotion.analyzer == .http)
        #expect(configuration.emotion.url == "https://127.0.0.1:8399/read")
        #expect(configuration.emotion.modelPath == "a.model")
        #expect(configuration.emotion.http.requestsPerSecondMax == 7)
        #expect(configuration.emotion.http.retryAfterMax == .seconds(2))
        #expect(configuration.api.port == 0)
        #expect(configuration.relay.leaseDuration == .milliseconds(1500))
        #expect(configuration.outboxShards == 3)
        #expect(configuration.redis.prefix == "a:")
        #expect(configuration.kafka.fetchWait == .milliseconds(20))
        #expect(configuration.events.pollTimeout == .seconds(3))
        #expect(configuration.worker.retryBackoff.base == .milliseconds(1))
        #expect(configuration.mongo.operationTimeout == .seconds(60))
        #expect(configuration.logger("test").logLevel == .debug)
        #expect(configuration.databases.connectionsMax == 3)
    }

    @Test func topicsGoOverTheBusThatTheyAreGiven() throws {
        let usual = try loaded([:]).routes
        #expect(usual.buses == [.kafka] && usual.topics(over: .kafka) == Set(EventTopic.allCases))
        let mixed = try loaded([
            "EVENTS_BUS": "rabbitmq", "EVENTS_TOPICS": "product.events = kafka, user.events=kafka",
            "RABBITMQ_URL": "amqp://a",
        ])
        #expect(mixed.routes.topics(over: .kafka) == [.product, .user])
        #expect(mixed.routes.topics(over: .rabbitmq) == Set(EventTopic.allCases).subtracting([.product, .user]))
        #expect(mixed.rabbit.url == "amqp://a")
        let prefixed = try loaded([
            "EVENTS_BUS": "rabbitmq", "RABBITMQ_URL": "amqp://a", "KAFKA_PREFIX": "eu.",
            "RABBITMQ_QUEUE_TYPE": "quorum",
        ])
        let events = try RabbitClients(prefixed, clientName: "test", logger: Logger(label: "test")).events
        #expect(events.isQuorum)
        let queues: Set = [
            "eu.quartet.invalidate", "eu.my.users_view", "eu.my.my_products_view", "eu.market.orders",
            "eu.catalog.supplier_items",
        ]
        #expect(queues.isSubset(of: events.queues.map(\.name)))
        #expect(prefixed.kafka.group(of: "users_view") == "eu.quartet.users_view")
        #expect(throws: ConfigurationError.self) { try loaded(["PROJECT_PROJECTIONS": "user_view"]) }
        for text in ["product.events", "product.events=mail", "none=kafka", "product.events=kafka=kafka"] {
            #expect(try refusal(environment: ["EVENTS_TOPICS": text]).key == "events.topics")
        }
    }

    @Test func blanksAndQuotesThatToolsLeaveAroundAValueAreNotMeant() throws {
        let configuration = try loaded([
            "REDIS_URL": " \"redis://127.0.0.1:1\" ", "QUARTET_API_PORT": "'80'", "WORKER_POLL_INTERVAL": " 2s\t",
            "LOG_LEVEL": "\"debug\"", "KAFKA_BROKERS": " a:1 , b:2 ", "QUARTET_API_HOST": "[::1]",
            "DROPSHIP_DATABASE_URL": "\"postgresql://u@h/d\"", "QUARTET_API_KEY": "\"k\"", "REDIS_PREFIX": "\"",
        ])
        #expect(configuration.redis.url == "redis://127.0.0.1:1" && configuration.api.port == 80)
        #expect(configuration.worker.pollInterval == .seconds(2) && configuration.logger("test").logLevel == .debug)
        #expect(configuration.api.host == "::1" && configuration.redis.prefix == "\"")
        #expect(configuration.api.key == "\"k\"", "of a secret every character counts")
    }

    @Test(arguments: [" k", "k ", "a\nb", "a\u{7}"]) func aKeyThatNoCallerCanSendIsRefused(_ key: String) throws {
        #expect(try refusal(environment: ["QUARTET_API_KEY": key]).key == "quartet.api.key")
        #expect(throws: Never.self) {
            try QuartetConfiguration.load(environment: ["QUARTET_API_KEY": key], for: [.stores, .work])
        }
    }

    @Test func variablesOfOthersAreLetBe() throws {
        #expect(throws: Never.self) { try loaded(["PATH": "/usr/bin", "WORKER_OF_ANOTHER_PROGRAM": "x"]) }
    }

    @Test(arguments: [
        ("wroker:\n  tasks_max: 1\n", "wroker.tasks_max"),
        ("worker:\n  task_max: 1\n", "worker.task_max"),
        ("worker: 1\n", "worker"),
        ("tables:\n  reviews: {database: dropship, schema: a}\n", "tables.reviews.database"),
    ])
    func anUnknownKeyIsRefusedByName(_ file: String, _ key: String) throws {
        let error = try refusal(file: file)
        #expect(error.key == key)
        #expect(error.description.contains("no such key"))
    }

    @Test(arguments: ["worker: [1, 2]\n", "worker:\n  tasks_max: [1]\n"])
    func aListIsRefused(_ file: String) throws {
        let error = try refusal(file: file)
        #expect(error.key.hasPrefix("worker"))
        #expect(error.problem == "is not a single value")
    }

    @Test func whatIsNotYAMLIsRefusedInOneLine() throws {
        let error = try refusal(file: "worker: {tasks_max: 1\nlog: \"")
        #expect(error.problem.hasPrefix("not YAML"))
        #expect(!error.description.contains("\n"))
    }

    @Test func aFileThatIsNotThereIsRefusedByItsPath() throws {
        let path = "/nonexistent/quartet.yaml"
        let error = try #require(throws: ConfigurationError.self) {
            _ = try QuartetConfiguration.load(path: path, environment: [:])
        }
        #expect(error.key == path)
    }

    @Test(arguments: [
        ("WORKER_TASKS_MAX", "worker.tasks_max", "0"), ("WORKER_TASKS_MAX", "worker.tasks_max", "many"),
        ("WORKER_TASKS_MAX", "worker.tasks_max", "1,000"),
        ("QUARTET_API_PORT", "quartet.api.port", "65536"), ("QUARTET_API_PORT", "quartet.api.port", "-1"),
        ("OUTBOX_SHARDS", "outbox.shards", "257"), ("WORKER_LEASE_DURATION", "worker.lease_duration", "499ms"),
        ("OUTBOX_RETENTION", "outbox.retention", "59s"), ("LOG_LEVEL", "log.level", "loud"),
        ("DB_TYPE", "db.type", "oracle"), ("KAFKA_SECURITY", "kafka.security", "ssl"),
        ("EMOTION_ANALYZER", "emotion.analyzer", "psychic"),
        ("EMOTION_HTTP_URL", "emotion.http.url", "ftp://a/b"),
        ("EMOTION_HTTP_TRIES_MAX", "emotion.http.tries_max", "0"),
        ("REDIS_PREFIX", "redis.prefix", "{a}:"), ("KAFKA_PREFIX", "kafka.prefix", "a/b"),
    ])
    func anImpossibleValueIsRefusedWithItsKeyAndSource(_ name: String, _ key: String, _ value: String) throws {
        let error = try refusal(environment: [name: value])
        #expect(error.key == key)
        #expect(error.problem.contains("'\(value)'"))
        #expect(error.problem.contains("environment \(name)"))
    }

    @Test(arguments: ["REDIS_URL", "KAFKA_BROKERS", "WORKER_TASKS_MAX", "LOG_LEVEL", "EMOTION_HTTP_VERSION"])
    func anEmptyValueIsRefusedWhereItMeansNothing(_ name: String) throws {
        let error = try refusal(environment: [name: ""])
        #expect(SettingsReader.environmentName(of: error.key) == name)
        #expect(error.problem == "is empty (environment \(name)); give it a value or leave it out")
    }

    @Test func theEnvironmentIsTakenAsItComes() throws {
        let configuration = try loaded([
            "QUARTET_API_PORT": "tcp://10.0.0.1:8080", "DB_PORT": "tcp://10.0.0.2:5432", "LOG_LEVEL": "INFO\n",
            "CHECK_REPAIR": "True", "WORKER_TASKS_MAX": " 7\n", "QUARTET_API_KEY": "a key\r\n",
        ])
        #expect(configuration.api.port == 8080 && configuration.databases.port == 5432)
        #expect(configuration.check.repairsOnSchedule)
        #expect(configuration.worker.tasksMax == 7)
        #expect(configuration.api.key == "a key")
    }

    @Test func aSecretMayBeInAFile() throws {
        try Files.withFile("hunter2\n") { path in
            let names = ["QUARTET_API_KEY", "DB_PASSWORD", "KAFKA_PASSWORD", "EMOTION_HTTP_TOKEN"]
            let configuration = try loaded(Dictionary(uniqueKeysWithValues: names.map { ("\($0)_FILE", path) }))
            #expect(configuration.api.key == "hunter2" && configuration.databases.password == "hunter2")
            #expect(configuration.kafka.password == "hunter2" && configuration.emotion.token == "hunter2")
            let both = try refusal(environment: ["QUARTET_API_KEY": "a", "QUARTET_API_KEY_FILE": path])
            #expect(both.problem == "QUARTET_API_KEY and QUARTET_API_KEY_FILE are both set")
        }
        let missing = try refusal(environment: ["REDIS_URL_FILE": "/nonexistent/a"])
        #expect(missing.key == "redis.url" && missing.problem.contains("environment REDIS_URL_FILE"))
    }

    @Test func whatACommandDoesNotUseDoesNotStopIt() throws {
        let environment = ["WORKER_TASKS_MAX": "many", "CHECK_SCHEDULE": "never", "QUARTET_API_PORT": "http"]
        #expect(throws: Never.self) { try QuartetConfiguration.load(environment: environment, for: .client) }
        for (role, key) in [
            (RoleName.work, "worker.tasks_max"), (.check, "check.schedule"), (.serve, "quartet.api.port"),
        ] {
            let error = try #require(throws: ConfigurationError.self) {
                _ = try QuartetConfiguration.load(environment: environment, for: ConfigurationUse(roles: [role]))
            }
            #expect(error.key == key)
        }
        #expect(throws: Never.self) {
            try QuartetConfiguration.load(environment: environment, for: ConfigurationUse(roles: [.relay]))
        }
    }

    @Test func anEmptyValueMayStandForNone() throws {
        #expect(try loaded(["REDIS_PREFIX": "", "METRICS_HOST": "", "EMOTION_MODEL": ""]).redis.prefix == "")
    }

    @Test func anImpossibleValueInTheFileIsRefusedWithTheFile() throws {
        try Files.withFile("outbox:\n  shards: 0\n") { path in
            let error = try #require(throws: ConfigurationError.self) {
                _ = try QuartetConfiguration.load(path: path, environment: [:])
            }
            #expect(error.key == "outbox.shards")
            #expect(error.problem.contains(path))
        }
    }

    @Test func aModelServerWithoutAURLIsRefused() throws {
        let error = try refusal(environment: ["EMOTION_ANALYZER": "http"])
        #expect(error.key == "emotion.http.url")
        #expect(error.problem.contains("an http:// or https:// URL"))
    }

    @Test func retriesThatEndBeforeTheyBeginAreRefused() throws {
        #expect(try refusal(environment: ["EMOTION_HTTP_RETRY_BASE": "6s"]).key == "emotion.http.retry_max")
        let error = try refusal(environment: ["WORKER_RETRY_BASE": "2m"])
        #expect(error.key == "worker.retry_max")
    }
}

@Suite struct DurationTests {
    @Test(arguments: [
        ("1ms", Duration.milliseconds(1)), ("250ms", .milliseconds(250)), ("10s", .seconds(10)), ("5m", .seconds(300)),
        ("6h", .seconds(21_600)), ("7d", .seconds(604_800)),
    ])
    func durationsAreReadAndWrittenAlike(_ text: String, _ duration: Duration) throws {
        #expect(try loaded(["RELAY_POLL_INTERVAL": text]).relay.pollInterval == duration)
        #expect(SettingsReader.text(of: duration) == text)
    }

    @Test(arguments: [
        "10", "s", "ms", "-1s", "1.5s", "10 s", "10S", "1e3s", "0ms", "366d", "99999999999999999d",
        "99999999999999999999s",
    ])
    func whatIsNoDurationIsRefused(_ text: String) throws {
        let error = try refusal(environment: ["RELAY_POLL_INTERVAL": text])
        #expect(error.key == "relay.poll_interval")
        #expect(error.problem.contains("'\(text)' is not a duration of 1ms to 365d"))
    }

    @Test(arguments: [("1", 1), ("1_000", 1000), ("16_777_216", 16_777_216)])
    func integersMayBeGrouped(_ text: String, _ value: Int) throws {
        let environment = ["QUARTET_API_BODY_BYTES_MAX": "1_024", "QUARTET_API_WAITING_MAX": text]
        guard value <= 1_000_000 else {
            #expect(try refusal(environment: environment).key == "quartet.api.waiting_max")
            return
        }
        let configuration = try loaded(environment)
        #expect(configuration.api.waitingMax == value)
        #expect(configuration.api.limits.bodyBytesMax == 1024)
    }
}
