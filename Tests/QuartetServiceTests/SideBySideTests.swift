import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import QuartetService

@Suite(.timeLimit(.minutes(2))) struct SideBySideTests {
    /// Ends once it and its neighbours were told to, if it ends at all before that.
    private struct Neighbour: Service {
        let told: Told
        var failure: (any Error)?
        var endsByItself = false

        func run() async throws {
            told.begun.wrappingAdd(1, ordering: .relaxed)
            if let failure { throw failure }
            if endsByItself {
                while told.begun.load(ordering: .relaxed) < 3 { await Task.yield() }
                return
            }
            try await gracefulShutdown()
            told.count.wrappingAdd(1, ordering: .relaxed)
            while told.count.load(ordering: .relaxed) < told.expected { await Task.yield() }
        }
    }

    private final class Told: Sendable {
        let expected: Int
        let begun = Atomic(0)
        let count = Atomic(0)

        init(expected: Int) {
            self.expected = expected
        }
    }

    private struct Failure: Error {}

    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func allAreToldBeforeAnyHasEnded() async throws {
        let told = Told(expected: 3)
        let services = SideBySide((0..<3).map { _ in Neighbour(told: told) }, logger: logger)
        let group = ServiceGroup(configuration: .init(services: [.init(service: services)], logger: logger))
        async let ended: Void = group.run()
        while told.begun.load(ordering: .relaxed) < 3 { await Task.yield() }
        await group.triggerGracefulShutdown()
        try await ended
        #expect(told.count.load(ordering: .relaxed) == 3)
    }

    @Test func whereOneEndsTheOthersAreToldTo() async throws {
        let told = Told(expected: 2)
        let services = [Neighbour(told: told), Neighbour(told: told), Neighbour(told: told, endsByItself: true)]
        try await SideBySide(services, logger: logger).run()
        #expect(told.count.load(ordering: .relaxed) == 2)
    }

    @Test func whereOneFailsAllEnd() async throws {
        let told = Told(expected: 2)
        let services = [Neighbour(told: told), Neighbour(told: told, failure: Failure())]
        await #expect(throws: Failure.self) { try await SideBySide(services, logger: logger).run() }
    }
}
