import ClientSupport
package import Logging
import Postgres
import QuartetRoles
package import ServiceLifecycle

/// Keeps a process at what is set in `system_config`: looks at each bell, and every few seconds without. While the database is
/// away, what was last known stays.
package final class SystemWatch: Sendable {
    /// Bells may be missed, and do not pass a pool in transaction mode.
    package static let interval: Duration = .seconds(5)
    static let channel = "quartet_system"

    private let store: ConfigStore
    private let settings: any LiveSettings
    private let bells: PostgresClient
    private let wake = WakeSignal()

    init(store: ConfigStore, settings: any LiveSettings, bells: PostgresClient) {
        self.store = store
        self.settings = settings
        self.bells = bells
    }

    /// Something was changed.
    func ring() { wake.ring() }

    /// Reads what is set now, and makes it this process's.
    package func refresh() async throws { settings.apply(try await store.values()) }

    /// The loop of a process.
    package func service(logger: Logger) -> any Service { Loop(watch: self, logger: logger) }

    private struct Loop: Service {
        let watch: SystemWatch
        let logger: Logger

        func run() async throws {
            await cancelWhenGracefulShutdown {
                await withDiscardingTaskGroup { group in
                    group.addTask {
                        for await _ in watch.bells.listen(to: [SystemWatch.channel]) { watch.wake.ring() }
                    }
                    group.addTask { await look() }
                }
            }
        }

        private func look() async {
            var backoff = RetryBackoff(logger: logger)
            while !Task.isCancelled {
                do {
                    try await watch.refresh()
                    backoff.succeeded("reading the settings")
                    await watch.wake.wait(atMost: SystemWatch.interval)
                } catch is CancellationError {
                    return
                } catch {
                    let pause = backoff.failed("reading the settings", error)
                    try? await ContinuousClock().sleep(until: .now.advanced(by: pause))
                }
            }
        }
    }
}
