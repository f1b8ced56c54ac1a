import Foundation
import Synchronization

/// Whether an analysis costs the same where there is more of everything. The plain case is measured again before each other
/// one: a machine that others use too is as fast for both then.
extension PipelineBench {
    /// How much more there is; 0 leaves a case out.
    package struct Growth: Sendable {
        /// Analyses of 20 cards that the stores hold already.
        package var history = 0
        /// Processes that work on one queue.
        package var workers: [Int] = []
        /// Tasks that wait.
        package var backlog = 0
        /// Reviews of one request beside the others.
        package var largeReviews = 0
        /// Callers that follow requests.
        package var watchers = 0

        package init() {}

        package var isEmpty: Bool { history + backlog + largeReviews + watchers == 0 && workers.isEmpty }
    }

    package func run(_ growth: Growth) async throws -> GrowthFigures {
        try await stores.closing {
            say("preparing \(Self.productCount) products of \(BenchData.reviewsPerProduct) reviews")
            try await prepare()
            let plain = QueueLoad(analyses: sizes.analyses)
            var cases: [(String, QueueLoad)] = growth.workers.map { count in
                ("\(count) worker processes", plain.with { $0.workers = count })
            }
            if growth.backlog > 0 {
                cases.append(("\(growth.backlog) tasks wait", plain.with { $0.analyses = growth.backlog }))
            }
            if growth.largeReviews > 0 {
                cases.append(
                    (
                        "beside a request of \(growth.largeReviews) reviews",
                        plain.with { $0.largeReviews = growth.largeReviews }
                    ))
            }
            if growth.watchers > 0 {
                cases.append(("\(growth.watchers) callers watch", plain.with { $0.watchers = growth.watchers }))
            }
            var figures: [GrowthFigures.Case] = []
            for (name, load) in cases {
                let before = try await measure("plain", plain)
                let grown = try await measure(name, load)
                figures.append(before)
                figures.append(grown.relative(to: before))
            }
            if growth.history > 0 { figures += try await measureHistory(growth.history, plain) }
            return GrowthFigures(cases: figures)
        }
    }

    private func measure(_ name: String, _ load: QueueLoad, forgetting: Bool = true) async throws -> GrowthFigures.Case
    {
        say("\(name): analyses from a queue")
        let outcome = try await measureQueue(load)
        if forgetting { try await forget() } else { try await forgetEvents() }
        let figures = GrowthFigures.Case(name, load, outcome)
        say("\(name): \(figures.line)")
        return figures
    }

    private func measureHistory(_ count: Int, _ plain: QueueLoad) async throws -> [GrowthFigures.Case] {
        var before = try await measure("plain", plain)
        say("plain: analyses end to end")
        before.endToEndPerSecond = Int(try await measureEndToEnd().0)
        try await forget()
        var sizes = CheckBench.Sizes()
        (sizes.requests, sizes.analyses) = (count, count)
        let name = "\(count) analyses of \(CheckSeed.cardsPerAnalysis) cards are stored"
        say("storing \(count) analyses")
        let told = Mutex(0)
        try await CheckSeed(sizes: sizes, clients: stores.clients).write { [say] number in
            let tenth = number * 10 / count
            let isNews = told.withLock { last in
                defer { last = max(last, tenth) }
                return tenth > last
            }
            if isNews { say("\(number) are stored") }
        }
        // What is removed between the two would cost more than the history itself.
        var grown = try await measure(name, plain, forgetting: false)
        say("\(name): analyses end to end")
        grown.endToEndPerSecond = Int(try await measureEndToEnd().0)
        return [before, grown.relative(to: before)]
    }
}

extension QueueLoad {
    fileprivate func with(_ change: (inout QueueLoad) -> Void) -> QueueLoad {
        var load = self
        change(&load)
        return load
    }
}

package struct GrowthFigures: Codable, Sendable {
    struct Case: Codable, Sendable {
        let name: String
        let analyses: Int
        let queuePerSecond: Int
        let queueQuartersPerSecond: [Int]
        /// Of the largest worker, at the end of each quarter.
        let residentMegabytes: [Int]
        /// From the first result of all to that of the large request.
        let largeSeconds: Double?
        var endToEndPerSecond: Int?
        /// Relative to the plain case before it.
        var queueOfPlain: Double?
        var endToEndOfPlain: Double?

        init(_ name: String, _ load: QueueLoad, _ outcome: QueueOutcome) {
            self.name = name
            analyses = load.analyses
            queuePerSecond = Int(outcome.perSecond)
            queueQuartersPerSecond = outcome.quartersPerSecond
            residentMegabytes = outcome.residentMegabytes
            largeSeconds = outcome.largeSeconds
        }

        var line: String { "\(queuePerSecond)/s, quarters \(queueQuartersPerSecond), MB \(residentMegabytes)" }

        func relative(to plain: Case) -> Case {
            func share(_ own: Int, _ other: Int) -> Double {
                (Double(own) / Double(max(1, other)) * 1000).rounded() / 1000
            }
            var figures = self
            figures.queueOfPlain = share(queuePerSecond, plain.queuePerSecond)
            if let endToEndPerSecond, let other = plain.endToEndPerSecond {
                figures.endToEndOfPlain = share(endToEndPerSecond, other)
            }
            return figures
        }
    }

    let cases: [Case]
}
