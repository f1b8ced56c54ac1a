import Logging
import QuartetCore
import QuartetRoles
import Synchronization
import SystemRoom
import Testing

@testable import QuartetService

/// What is set counts over what the process was started with, as long as it can be.
@Suite("Live configuration") struct LiveConfigurationTests {
    private func live(_ environment: [String: String] = [:]) throws -> LiveConfiguration {
        try LiveConfiguration(loaded(environment), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test("a value counts from when it is set until it is taken back, for whoever asks")
    func precedence() throws {
        let live = try live(["AGING_NEW_ROWS": "7"])
        let aging = live.part(\.aging)
        #expect(aging.now.newRows == 7 && live.all.first { $0.key == "aging.new_rows" }?.fallback == "7")
        live.apply(["aging.new_rows": "9", "aging.interval": "3s"])
        #expect(aging.now.newRows == 9 && aging.now.interval == .seconds(3) && aging.now.oldRows == 500)
        live.apply(["aging.interval": "4s"])
        #expect(aging.now.newRows == 7 && aging.now.interval == .seconds(4))
        live.apply([:])
        #expect(aging.now == (try loaded(["AGING_NEW_ROWS": "7"])).aging)
    }

    @Test(
        "what can't be is refused with what is allowed",
        arguments: [
            ("aging.new_rows", "501", "an integer of 1 to 500"), ("aging.new_rows", "many", "an integer of 1 to 500"),
            ("aging.interval", "50", "a duration of 100ms to 1d"), ("log.level", "loud", "one of trace, debug"),
            ("redis.url", "redis://elsewhere", "is no setting"), ("no.such", "1", "is no setting"),
        ])
    func refusals(_ key: String, _ value: String, _ allowed: String) throws {
        let refusal = try #require(live().refusal(of: [key: value, "aging.old_rows": "3"]))
        #expect(refusal.key == key && refusal.problem.contains(allowed), "\(refusal)")
    }

    @Test("a row that can't be leaves the last good value, and the others count")
    func badRows() throws {
        let live = try live()
        let aging = live.part(\.aging)
        live.apply(["aging.new_rows": "9", "aging.old_rows": "0", "no.such": "1"])
        #expect(aging.now.newRows == 9 && aging.now.oldRows == 500)
        live.apply(["aging.new_rows": "x", "aging.old_rows": "5"])
        #expect(aging.now.newRows == 9 && aging.now.oldRows == 5)
        live.apply(["aging.new_rows": "10"])
        #expect(aging.now.newRows == 10 && aging.now.oldRows == 500)
    }

    @Test("of two that can't be together one goes, and nothing hangs")
    func pairs() throws {
        let live = try live()
        live.apply(["quartet.api.reviews_per_call_max": "5", "worker.retry_max": "1ms", "aging.new_rows": "2"])
        #expect(live.part(\.aging).now.newRows == 2)
        #expect(live.part(\.worker).now.retryBackoff == (try loaded([:])).worker.retryBackoff)
    }

    @Test("each setting is read, and says what it takes, who asks for it and what it is for")
    func table() throws {
        let live = try live()
        #expect(Set(live.all.map(\.key)).count == live.all.count)
        for setting in live.all {
            #expect(!setting.roles.isEmpty && setting.about.hasSuffix("."), "\(setting.key)")
            #expect(live.refusal(of: [setting.key: setting.fallback]) == nil, "\(setting.key)")
            #expect(live.refusal(of: [setting.key: "?"])?.key == setting.key, "\(setting.key)")
        }
    }

    @Test(
        "what the configuration says stays where nothing is set",
        arguments: [
            ["CHECK_SCHEDULE": "6h"], ["CHECK_SCHEDULE": "off"], ["CHECK_SCHEDULE": "23:05"],
            ["PROJECT_PROJECTIONS": "users_view"],
        ])
    func unset(_ environment: [String: String]) throws {
        let live = try live(environment)
        let configuration = try loaded(environment)
        live.apply(["aging.new_rows": "2"])
        #expect(live.part(\.check).now == configuration.check)
        #expect(live.part(\.project).now.projections == configuration.project.projections)
    }

    @Test("loggers that are made already take another level, and their own again")
    func logLevel() throws {
        let logger = try loaded(["LOG_LEVEL": "warning"]).logger("test")
        let live = try live(["LOG_LEVEL": "warning"])
        #expect(logger.logLevel == .warning)
        live.apply(["log.level": "debug"])
        #expect(logger.logLevel == .debug)
        live.apply(["aging.new_rows": "1"])
        #expect(logger.logLevel == .warning)
    }

    @Test("a wait is as long as the configuration says by then")
    func waiting() async throws {
        let pause = Mutex(Duration.seconds(86_400))
        let live = Live(reading: { pause.withLock { $0 } })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await live.wait { $0 } }
            pause.withLock { $0 = .milliseconds(1) }
            try await group.waitForAll()
        }
    }
}
