package import ClientSupport
import CoreMetrics
package import Logging
package import QuartetCore
import ServiceLifecycle
import Synchronization

/// Claims tasks and works on many at once; tasks that run side by side share every write.
package final class Worker: Role {
    package let name = "work"
    private let identity: String
    private let settings: Live<WorkerConfiguration>
    private var configuration: WorkerConfiguration { settings.now }
    private let ports: WorkerPorts
    private let steps: WorkerBatchers
    private let keeper: LeaseKeeper
    private let owed: PendingReleases
    private let logger: Logger
    private let wake = WakeSignal()
    private let inHand = Mutex(0)
    private let prefetch = ReviewPrefetch()
    private static let firstSteps: Duration = .milliseconds(5)
    private static let enoughInHand = 32
    private static let gatheringTime: Duration = .milliseconds(25)

    /// - Parameter identity: names this worker in the queue, for people who look.
    package init(
        identity: String, configuration: Live<WorkerConfiguration>, ports: WorkerPorts,
        observe: (@Sendable (BatchReport) -> Void)? = nil, logger: Logger
    ) {
        self.identity = identity
        settings = configuration
        let configuration = settings.now
        self.ports = ports
        self.logger = logger
        let keeper = LeaseKeeper(queue: ports.queue, leaseDuration: configuration.leaseDuration, logger: logger)
        self.keeper = keeper
        owed = PendingReleases(queue: ports.queue, countMax: WorkerConfiguration.tasksAtMost * 2, logger: logger)
        steps = WorkerBatchers(ports: ports, configuration: configuration, observe: observe, willEnd: keeper.drop)
    }

    /// Works until graceful shutdown; then finishes what is in hand, or gives it back when that takes too long.
    package func run() async throws {
        let isStopping = Mutex(false)
        try await withGracefulShutdownHandler {
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { [keeper] in await keeper.run() }
                group.addTask { [self] in
                    for await _ in ports.progress.rings(of: .queue) { wake.ring() }
                }
                group.addTask { [self] in
                    for await task in ports.progress.rings(of: .arrivals) {
                        if let task { foresee(task) }
                    }
                }
                group.addTask { [ports, keeper] in
                    for await _ in ports.progress.rings(of: .leases) { keeper.look() }
                }
                // Attempts have a group of their own, so that they outlive the claiming.
                await withDiscardingTaskGroup { attempts in
                    await claimLoop(isStopping: { isStopping.withLock { $0 } }) { claim in
                        attempts.addTask { [self] in await attempt(claim) }
                    }
                    await drain()
                    attempts.cancelAll()
                }
                if owed.count > 0 { await Task { [owed] in try? await owed.handIn() }.value }
                group.cancelAll()
                // What was given back need not wait until somebody looks.
                try? await Task { [ports] in try await ports.progress.ring(.queue) }.value
            }
        } onGracefulShutdown: { [wake] in
            isStopping.withLock { $0 = true }
            wake.ring()
        }
    }

    /// Claims once and works the claimed tasks to their ends; returns how many there were.
    package func runOnce() async throws -> Int {
        let claims = try await claim(limit: configuration.tasksMax)
        await withDiscardingTaskGroup { attempts in
            for claim in claims { attempts.addTask { [self] in await attempt(claim) } }
        }
        return claims.count
    }

    // MARK: Claiming

    private func claimLoop(isStopping: () -> Bool, start: (Claim) -> Void) async {
        var backoff = RetryBackoff(logger: logger)
        var queueMayHoldMore = true
        while !isStopping(), !Task.isCancelled {
            let free = configuration.tasksMax - inHand.withLock { $0 }
            // While the queue is long, claim in strides rather than one by one as places become free.
            let stride = queueMayHoldMore ? max(1, configuration.tasksMax / 4) : 1
            guard free >= stride else {
                await wake.wait(atMost: configuration.pollInterval)
                continue
            }
            do {
                // A worker with nothing to do mostly finds one task, and has it soonest by asking for one.
                let limit = queueMayHoldMore ? free : 1
                let claims = try await claim(limit: limit)
                backoff.succeeded("claiming")
                queueMayHoldMore = claims.count == limit
                let suspects = claims.filter(isSuspect)
                // Before anything begins that might kill this worker.
                if !suspects.isEmpty { await putBack(suspects) }
                for claim in claims where !isSuspect(claim) { start(claim) }
                if !suspects.isEmpty {
                    try await workOneByOne(isStopping: isStopping, start: start)
                } else if !queueMayHoldMore {
                    await letTasksGather()
                    await wake.wait(atMost: configuration.pollInterval)
                } else if limit == 1 {
                    // It has its first steps to itself before there is a look for more.
                    await wake.wait(atMost: Self.firstSteps)
                }
            } catch {
                await wake.wait(atMost: backoff.failed("claiming", error))
            }
        }
    }

    /// A worker with enough to do claims seldom: tasks that begin together share their batches from the first one on.
    private func letTasksGather() async {
        guard inHand.withLock({ $0 }) > Self.enoughInHand else { return }
        try? await ContinuousClock().sleep(until: .now.advanced(by: Self.gatheringTime))
    }

    private func isSuspect(_ claim: Claim) -> Bool { claim.lapses >= configuration.lapsesBeforeAlone }

    /// Gives tasks back as if they had not been claimed. Where that fails it is done later; what was claimed with them goes on
    /// all the same.
    private func putBack(_ claims: [Claim]) async {
        inHand.withLock { $0 -= claims.count }
        let releases = claims.map { TaskRelease(lease: $0.lease, delay: .zero, refundingAttempt: true) }
        do {
            _ = try await ports.queue.release(releases)
            Failpoint.suspectsPutBack.reached()
        } catch {
            logger.warning("tasks not put back", metadata: ["error": "\(error)"])
            owed.add(releases)
        }
    }

    /// Works on one task at a time with no other in hand, as long as they are suspects.
    private func workOneByOne(isStopping: () -> Bool, start: (Claim) -> Void) async throws {
        await untilIdle(isStopping: isStopping)
        while !isStopping(), !Task.isCancelled, let claim = try await claim(limit: 1).first {
            if isSuspect(claim) {
                logger.notice(
                    "task worked on alone",
                    metadata: ["request": "\(claim.task.requestID)", "lapses": "\(claim.lapses)"])
            }
            start(claim)
            await untilIdle(isStopping: isStopping)
            guard isSuspect(claim) else { return }
        }
    }

    private func untilIdle(isStopping: () -> Bool) async {
        while inHand.withLock({ $0 }) > 0, !isStopping(), !Task.isCancelled {
            await wake.wait(atMost: configuration.pollInterval)
        }
    }

    private func claim(limit: Int) async throws -> [Claim] {
        try await owed.handIn()
        let claims = try await ports.queue.claim(
            limit: limit, worker: identity, leaseDuration: configuration.leaseDuration)
        if !claims.isEmpty { Failpoint.taskClaimed.reached() }
        RoleMetrics.tasksClaimed.increment(by: claims.count)
        if claims.isEmpty { prefetch.foundNothing() }
        let present = inHand.withLock { count in
            count += claims.count
            return count
        }
        RoleMetrics.tasksInHand.record(present)
        return claims
    }

    /// Returns when nothing is in hand, or when waiting for that has taken too long.
    private func drain() async {
        let deadline = Deadline.after(configuration.drainTimeout)
        while inHand.withLock({ $0 }) > 0, !deadline.isPast, !Task.isCancelled {
            await wake.wait(atMost: min(deadline.remaining, .milliseconds(100)))
        }
    }

    private func foresee(_ task: AnalysisTask) {
        guard inHand.withLock({ $0 }) == 0 else { return }
        prefetch.prepare(for: task) {
            SessionOpening(task: task, ports: ports, steps: steps, configuration: configuration).begun()
        }
    }

    // MARK: Attempts

    private func attempt(_ claim: Claim) async {
        let work = Task { try await workOn(claim) }
        keeper.keep(claim.lease) { work.cancel() }
        let result = await withTaskCancellationHandler {
            await work.result
        } onCancel: {
            work.cancel()
        }
        if case .failure(let error) = result {
            // What must be written after a cancellation is written outside the cancelled scope.
            await Task { await giveBack(claim, after: error) }.value
        }
        keeper.drop(claim.lease)
        let isLast = inHand.withLock { count in
            count -= 1
            return count == 0
        }
        // Waking the loop at each end would cost more than it brings while many are in hand.
        let present = inHand.withLock { $0 }
        if isLast || configuration.tasksMax - present >= max(1, configuration.tasksMax / 4) { wake.ring() }
    }

    private func workOn(_ claim: Claim) async throws {
        if let problem = claim.problem { return try await putAside(claim, problem) }
        guard claim.attempt <= configuration.attemptsMax else {
            return try await bury(claim, because: "the worker died at each of \(configuration.attemptsMax) attempts")
        }
        let run = AnalysisRun(
            claim: claim, ports: ports, steps: steps, configuration: configuration,
            opening: prefetch.opening(of: claim), logger: logger)
        do {
            try await run()
            RoleMetrics.tasksCompleted.increment()
        } catch let error where !Self.isNotItsFault(error) {
            RoleMetrics.tasksFailed.increment()
            let isFinal = (error as? AnalysisError)?.isFinal ?? false
            guard isFinal || claim.attempt >= configuration.attemptsMax else { throw error }
            try await bury(claim, because: "\(error)")
        }
    }

    /// A task that can't be read fails its request, and is kept as a dead one that can be; also where an attempt before this
    /// one has failed the request and not come further. It is a copy: of any other request, it goes.
    private func putAside(_ claim: Claim, _ problem: String) async throws {
        RoleMetrics.unreadableTasks.increment()
        guard let request = try await ports.requests.requests([claim.task.requestID])[0],
            request.status.isOpen || request.status == .failed
        else {
            logger.warning(
                "unreadable task removed", metadata: ["request": "\(claim.task.requestID)", "error": "\(problem)"])
            return try await removeClosed(claim)
        }
        let task = AnalysisTask(
            requestID: request.id, productID: request.productID, generation: request.generation)
        try await bury(
            Claim(task: task, attempt: claim.attempt, lease: claim.lease, problem: problem),
            because: "the task in the queue can't be read: \(problem)")
    }

    /// The request becomes `failed` in its truth first; the dead task is the copy.
    private func bury(_ claim: Claim, because message: String) async throws {
        logger.error("request failed", metadata: ["request": "\(claim.task.requestID)", "error": "\(message)"])
        let outcome = try await steps.fail(
            RequestFailure(requestID: claim.task.requestID, generation: claim.task.generation, message: message))
        Failpoint.failureStored.reached()
        switch outcome {
        case .closed, .alreadyClosed(.failed):
            let replacement = claim.problem == nil ? nil : claim.task
            _ = try await steps.bury(TaskBurial(lease: claim.lease, error: message, replacement: replacement))
            Failpoint.taskBuried.reached()
        case .alreadyClosed, .unknownRequest:
            return try await removeClosed(claim)
        }
        RoleMetrics.tasksBuried.increment()
        try? await steps.report(
            Progress(
                requestID: claim.task.requestID, generation: claim.task.generation, done: 0, total: 0, phase: .failed))
        Failpoint.failureReported.reached()
    }

    private func removeClosed(_ claim: Claim) async throws {
        _ = try await steps.acknowledge(claim.lease)
        Failpoint.closedTaskRemoved.reached()
    }

    /// The worker stops, or a store is away: the task would have met the same whatever it is.
    private static func isNotItsFault(_ error: any Error) -> Bool {
        if error is CancellationError { return true }
        guard let failure = error as? any StoreFailure else { return false }
        return failure.isUnavailable || failure.isRetriable
    }

    /// Lets others have the task: at once where the attempt was not its fault, after a backoff where it was.
    private func giveBack(_ claim: Claim, after error: any Error) async {
        let wasInterrupted = error is CancellationError
        let delay = wasInterrupted ? .zero : configuration.retryBackoff.delay(attempt: claim.attempt - 1)
        if !wasInterrupted {
            logger.warning(
                "attempt failed", metadata: ["request": "\(claim.task.requestID)", "error": "\(error)"])
        }
        let release = TaskRelease(
            lease: claim.lease, delay: delay, refundingAttempt: Self.isNotItsFault(error),
            error: wasInterrupted ? nil : "\(error)")
        do {
            _ = try await steps.release(release)
            Failpoint.taskReleased.reached()
        } catch {
            owed.add([release])
        }
    }
}
