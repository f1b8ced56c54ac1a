import Auth
import ClientSupport
package import Foundation
import Kafka
import My
import QuartetCore
import QuartetRoles
import QuartetStores

/// How a copy stands beside its source.
package struct ProjectionReport: Sendable, Codable {
    package let name: String
    package let rows: Int
    package let sourceRows: Int
    /// How much newer the source's last change is than the last one that was applied.
    package let lagSeconds: Double
    /// Events that wait for it; nil where the bus does not answer.
    package let lagEvents: Int?
    package let copiedRows: Int
    /// When it was copied whole; nil while that is under way, or never was.
    package let copiedAt: Date?

    package var isWhole: Bool { rows == sourceRows }
}

extension Composition {
    private static let pageSize = 5_000
    package static let projections = [PostgresUsersView.name]

    package func projectionReports() async throws -> [ProjectionReport] {
        let (users, view) = try (PostgresUserStore(databases: clients.databases), usersView())
        let state = try await view.state()
        let source = try await users.state()
        let behind = zip2(source.changedAt, state.changedAt).map { $0.timeIntervalSince($1) } ?? 0
        return [
            ProjectionReport(
                name: PostgresUsersView.name, rows: state.rows, sourceRows: source.rows, lagSeconds: max(0, behind),
                lagEvents: try? await waitingEvents(), copiedRows: state.copiedRows, copiedAt: state.completedAt)
        ]
    }

    /// Copies the source into the copy in the order of keys, while events go on: versions decide. One that was cut off goes on.
    ///
    /// - Parameter observe: told how many rows were copied, and of how many.
    package func bootstrapUsersView(observe: (_ done: Int, _ total: Int) -> Void) async throws -> ProjectionReport {
        let (users, view) = try (PostgresUserStore(databases: clients.databases), usersView())
        let total = try await users.state().rows
        var (after, done) = try await view.beginCopy()
        while true {
            let page = try await users.users(after: after, limit: Self.pageSize)
            guard let last = page.last else { break }
            try await view.copy(page)
            (after, done) = (last.id, done + page.count)
            observe(done, total)
        }
        try await view.endCopy()
        return try await projectionReports()[0]
    }

    /// Makes a new copy beside the old one and puts it in its place at once: readers see one or the other.
    package func rebuildUsersView(observe: (_ done: Int, _ total: Int) -> Void) async throws -> ProjectionReport {
        let (users, view) = try (PostgresUserStore(databases: clients.databases), usersView())
        let total = try await users.state().rows
        try await view.makeNext()
        var (after, done): (UUID?, Int) = (nil, 0)
        while true {
            let page = try await users.users(after: after, limit: Self.pageSize)
            guard let last = page.last else { break }
            try await view.fillNext(page)
            (after, done) = (last.id, done + page.count)
            observe(done, total)
        }
        try await view.swapNext()
        return try await projectionReports()[0]
    }

    func usersView() throws -> PostgresUsersView { try PostgresUsersView(databases: clients.databases) }

    private func waitingEvents() async throws -> Int {
        let group = "\(configuration.kafka.groupPrefix).\(UsersViewHandler.name)"
        if configuration.routes.bus(of: .user) == .rabbitmq {
            return try await eventTopology().first { $0.queue == group }?.messages ?? 0
        }
        var options = KafkaConsumerOptions(group: group)
        options.joinsGroup = false
        let consumer = try KafkaConsumer(clients.kafka, options: options, logger: logger)
        defer { Task { await consumer.close(deadline: .after(.seconds(2))) } }
        return Int(try await consumer.uncommitted(topic: EventTopic.user.rawValue, deadline: .after(.seconds(5))))
    }
}

private func zip2<First, Second>(_ first: First?, _ second: Second?) -> (First, Second)? {
    guard let first, let second else { return nil }
    return (first, second)
}
