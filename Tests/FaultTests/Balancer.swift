import ClientSupport
import QuartetCore
import Synchronization
import SystemTesting

/// What stands before the copies of the API: it sends calls to those that are in, in turn, and sends a call for which it
/// can't get a connection, or gets no answer on an old one, to another.
final class Balancer: Sendable {
    struct Report: Sendable {
        var ids: [RequestID] = []
        /// From the call that submits to the answer that says that it is completed.
        var latencies: [Duration] = []
        /// Answers other than those that were wanted.
        var failures: [String] = []
    }

    private struct State {
        var copies: [(process: TestProcess, shop: Shop)] = []
        var next = 0
        var isStopping = false
        var completed = 0
    }

    private let state = Mutex(State())

    func add(_ process: TestProcess, _ shop: Shop) {
        state.withLock { $0.copies.append((process, shop)) }
    }

    /// New calls go elsewhere from now on.
    func takeOut(_ process: TestProcess) {
        state.withLock { state in state.copies.removeAll { $0.process === process } }
    }

    /// How many analyses are over.
    var completed: Int { state.withLock { $0.completed } }

    func stop() { state.withLock { $0.isStopping = true } }

    func pick() throws -> Shop {
        try state.withLock { state in
            guard !state.copies.isEmpty else { throw TestFailure("no copy of the API is in") }
            state.next = (state.next + 1) % state.copies.count
            return state.copies[state.next].shop
        }
    }

    /// Analyses a product again and again until told to stop.
    func load(product: String, callers: Int) async throws -> Report {
        try await withThrowingTaskGroup(of: Report.self) { group in
            for caller in 0..<callers {
                group.addTask { [self] in
                    var report = Report()
                    var number = 0
                    while !state.withLock({ $0.isStopping }) {
                        number += 1
                        try await analyse(product, key: "\(caller)-\(number)", &report)
                    }
                    return report
                }
            }
            return try await group.reduce(into: Report()) { total, part in
                total.ids += part.ids
                total.latencies += part.latencies
                total.failures += part.failures
            }
        }
    }

    private func analyse(_ product: String, key: String, _ report: inout Report) async throws {
        let started = ContinuousClock.now
        let submitted = try await answer { try await $0.submit(product, key: key) }
        guard submitted.status == 202, let id = RequestID(try submitted.decoded(as: Shop.Submitted.self).id) else {
            report.failures.append("submit: \(submitted.status) \(submitted.text)")
            return
        }
        while true {
            let answer = try await answer { try await $0.call(.get, "/v1/analyses/\(id)") }
            guard answer.status == 200 else {
                report.failures.append("get: \(answer.status) \(answer.text)")
                return
            }
            let status = try answer.decoded(as: Shop.Analysis.self).status
            if status == "completed" { break }
            guard ["queued", "running"].contains(status), started.duration(to: .now) < patience else {
                report.failures.append("\(id) is \(status)")
                return
            }
        }
        state.withLock { $0.completed += 1 }
        report.ids.append(id)
        report.latencies.append(started.duration(to: .now))
    }

    private func answer(_ call: (Shop) async throws -> Shop.Answer) async throws -> Shop.Answer {
        var triesLeft = 3
        while true {
            triesLeft -= 1
            do {
                return try await call(pick())
            } catch  where triesLeft > 0 {
                continue
            }
        }
    }
}
