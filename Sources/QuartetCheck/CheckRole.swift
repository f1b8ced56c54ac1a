import Foundation
package import Logging
package import QuartetCore
import QuartetRoles
import ServiceLifecycle

/// Sweeps by itself at the times of its schedule. In any number of copies: the lock lets one of them.
package final class CheckRole: Role {
    package let name = "check"
    private let settings: Live<CheckConfiguration>
    private var configuration: CheckConfiguration { settings.now }
    private let checker: Checker
    private let logger: Logger

    package init(configuration: Live<CheckConfiguration>, checker: Checker, logger: Logger) {
        settings = configuration
        self.checker = checker
        self.logger = logger
    }

    package func run() async throws {
        try? await cancelWhenGracefulShutdown { [self] in
            while true {
                let begin = Self.secondsOfDay()
                try await settings.wait { $0.schedule.delay(secondsOfDay: begin) }
                await runOnce()
            }
        }
    }

    /// One sweep, with what came of it in the log.
    package func runOnce() async {
        var options = SweepOptions()
        options.repairs = configuration.repairsOnSchedule
        do {
            let report = try await checker.runOnce(options)
            logger.log(
                level: report.isConsistent ? .info : .error,
                report.isConsistent ? "stores agree" : "stores disagree",
                metadata: [
                    "sweep": "\(report.id)", "found": "\(report.found)", "repaired": "\(report.repaired)",
                    "seconds": "\(Int(report.finishedAt.timeIntervalSince(report.startedAt)))",
                ])
        } catch is CancellationError {
            return
        } catch let error as SweepInProgress {
            logger.info("no sweep", metadata: ["reason": "\(error)"])
        } catch {
            logger.error("the sweep broke off; the next one goes on with it", metadata: ["error": "\(error)"])
        }
    }

    private static func secondsOfDay() -> Int { Int(Date().timeIntervalSince1970) % 86_400 }
}
