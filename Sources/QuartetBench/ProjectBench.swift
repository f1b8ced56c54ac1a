import ClientSupport
import Foundation
package import QuartetCore
import QuartetService
package import QuartetStack
import QuartetStores

/// Measures a read model on private servers with durable settings: how fast it is copied, and how far it is behind while its
/// source changes.
package struct ProjectBench {
    package struct Sizes: Sendable {
        package var users = 1_000_000
        package var perSecond = 2_000
        package var seconds = 20

        package init() {}
    }

    private let stack: LocalStack
    private let bus: EventBus
    private let sizes: Sizes
    private let say: @Sendable (String) -> Void
    private let stores: BenchStores
    private let load: ProjectLoad

    /// - Parameter say: told what is being measured, for people.
    package init(
        stack: LocalStack, bus: EventBus, sizes: Sizes, say: @escaping @Sendable (String) -> Void
    ) throws {
        (self.stack, self.bus, self.sizes, self.say) = (stack, bus, sizes, say)
        stores = try BenchStores(on: stack, settings: Self.settings(bus))
        load = try ProjectLoad(stores.clients)
    }

    private static func settings(_ bus: EventBus) -> [String: String] {
        ["EVENTS_BUS": bus.rawValue, "DB_CONNECTIONS_MAX": "16"]
    }

    /// - Parameter observe: told how much of what is being done is done.
    package func run(
        observe: @Sendable (_ what: String, _ done: Int, _ total: Int) -> Void
    ) async throws -> ProjectFigures {
        try await stores.closing { try await measure(observe) }
    }

    private func measure(
        _ observe: @Sendable (_ what: String, _ done: Int, _ total: Int) -> Void
    ) async throws -> ProjectFigures {
        let broker = bus == .kafka ? stack.kafka.summary : "RabbitMQ"
        try await stores.migrate()
        say("events go over \(broker); writing \(sizes.users) users")
        try await load.writeUsers(sizes.users) { observe("users", $0, $1) }
        let model = try PostgresReadModel(Projections.named("users_view"), databases: stores.clients.databases)
        let bootstrap = ProjectFigures.Copy(
            try await model.bootstrap(as: "bench") { observe("bootstrap", $0, sizes.users) })
        say("bootstrap: \(bootstrap.rowsPerSecond) rows a second")
        let rebuild = ProjectFigures.Copy(
            try await model.rebuild(as: "bench") { observe("rebuild", $0, sizes.users) })
        say("rebuild: \(rebuild.rowsPerSecond) rows a second")
        guard try await model.state().rows == sizes.users else { throw BenchError("the copy is not whole") }
        let changes = try await changes()
        return ProjectFigures(
            cores: ProcessInfo.processInfo.activeProcessorCount, bus: broker, users: sizes.users,
            bootstrap: bootstrap, rebuild: rebuild, changes: changes)
    }

    private func changes() async throws -> ProjectFigures.Changes {
        let roles = try RoleProcess(
            roles: [RoleName.relay.rawValue, RoleName.project.rawValue],
            environment: stack.environment.merging(Self.settings(bus)) { $1 }
                .merging(["LOG_LEVEL": "notice"]) { own, _ in own },
            log: stack.directory.appendingPathComponent("roles.log"))
        do {
            // Until all stand in their place: the first change goes its way alone.
            _ = try await load.run(count: 200, perSecond: 100)
            say("changing \(sizes.perSecond) users a second for \(sizes.seconds) s")
            let count = sizes.perSecond * sizes.seconds
            let before = try roles.cpuTime()
            let (perSecond, visible) = try await load.run(count: count, perSecond: sizes.perSecond)
            let applied = try await load.appliedTimes(count)
            let cpu = try roles.cpuTime() - before
            await roles.stop()
            return ProjectFigures.Changes(
                perSecond: perSecond, perTransaction: ProjectLoad.transactionSize, seconds: sizes.seconds,
                visibleMilliseconds: visible.summary, appliedMilliseconds: applied.summary,
                cpuMillisecondsPer1000: (cpu.seconds * 1e6 / Double(count) * 100).rounded() / 100)
        } catch {
            say(roles.lastLogLine)
            await roles.stop()
            throw error
        }
    }
}
