import ClientSupport
package import Logging
import Postgres
import QuartetRoles
package import ServiceLifecycle
import Synchronization

/// Keeps a process at what the service's tables say, settings and keys: looks at each bell, and every few seconds without. While
/// the database is away, what was last known stays.
package final class SystemWatch: Sendable {
    /// Bells may be missed, and do not pass a pool in transaction mode.
    package static let interval: Duration = .seconds(5)
    /// How often it is written down which keys were used.
    static let stampInterval: Duration = .seconds(60)
    static let channel = "quartet_system"

    private let config: ConfigStore
    private let settings: any LiveSettings
    private let keys: KeyStore
    private let ring: KeyRing
    private let bells: PostgresClient
    private let wake = WakeSignal()
    private let nextStamp = Mutex(ContinuousClock.now)

    init(
        config: ConfigStore, settings: any LiveSettings, keys: KeyStore, ring: KeyRing, bells: PostgresClient
    ) {
        self.config = config
        self.settings = settings
        self.keys = keys
        self.ring = ring
        self.bells = bells
    }

    /// Looks now: a setting was changed.
    func look() { wake.ring() }

    /// Reads what is set now, and makes it this process's.
    package func refreshSettings() async throws { settings.apply(try await config.values()) }

    /// Reads the keys that are good now, and writes down which were used.
    package func refreshKeys() async throws {
        ring.replace(by: try await keys.usableKeys())
        guard nextStamp.withLock({ $0 <= .now }) else { return }
        let uses = ring.takeUses()
        guard !uses.isEmpty else { return }
        nextStamp.withLock { $0 = .now.advanced(by: Self.stampInterval) }
        do {
            try await keys.stamp(uses)
        } catch {
            ring.putBack(uses)
            throw error
        }
    }

    /// Both; what is wrong with one does not stop the other.
    private func refresh(withKeys: Bool) async throws {
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await refreshSettings())
        } catch {
            outcome = .failure(error)
        }
        if withKeys { try await refreshKeys() }
        try outcome.get()
    }

    /// The loop of a process.
    ///
    /// - Parameter withKeys: whether it has callers.
    package func service(withKeys: Bool, logger: Logger) -> any Service {
        Loop(watch: self, withKeys: withKeys, logger: logger)
    }

    private struct Loop: Service {
        let watch: SystemWatch
        let withKeys: Bool
        let logger: Logger

        func run() async throws {
            await cancelWhenGracefulShutdown {
                await withDiscardingTaskGroup { group in
                    let (answered, answer) = AsyncStream.makeStream(of: Void.self)
                    group.addTask {
                        // Connecting to a database that is silent can't be given up at once: it has answered before.
                        for await _ in answered {}
                        guard !Task.isCancelled else { return }
                        for await _ in watch.bells.listen(to: [SystemWatch.channel]) { watch.wake.ring() }
                    }
                    group.addTask { await look { answer.finish() } }
                }
            }
        }

        /// - Parameter onAnswer: called each time that the database answers.
        private func look(onAnswer: @Sendable () -> Void) async {
            var backoff = RetryBackoff(logger: logger)
            while !Task.isCancelled {
                do {
                    try await watch.refresh(withKeys: withKeys)
                    backoff.succeeded("reading settings and keys")
                    onAnswer()
                    await watch.wake.wait(atMost: SystemWatch.interval)
                } catch is CancellationError {
                    return
                } catch {
                    let pause = backoff.failed("reading settings and keys", error)
                    try? await ContinuousClock().sleep(until: .now.advanced(by: pause))
                }
            }
        }
    }
}
