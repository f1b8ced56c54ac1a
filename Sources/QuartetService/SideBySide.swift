import Logging
import QuartetAPI
import ServiceLifecycle

/// Services that are told to stop at the same time, not each once the one before has: leaving a group of Kafka's may take
/// seconds, and a process has many consumers. When one ends by itself the others are told to as well.
struct SideBySide: Service {
    private let groups: [ServiceGroup]

    init(_ services: [any Service], logger: Logger) {
        groups = services.map { service in
            let alone = ServiceGroupConfiguration.ServiceConfiguration(
                service: service, successTerminationBehavior: .gracefullyShutdownGroup)
            return ServiceGroup(configuration: .init(services: [alone], logger: logger.forServiceGroups))
        }
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for group in groups {
                tasks.addTask {
                    do {
                        try await group.run()
                    } catch let error as ServiceGroupError where error.errorCode == .alreadyFinished {
                        // It was told to stop before it had begun.
                    }
                }
            }
            // A failure leaves by here, which cancels the others.
            while try await tasks.next() != nil {
                for group in groups { await group.triggerGracefulShutdown() }
            }
        }
    }
}
