import Synchronization
import Testing

@testable import ClientSupport

@Suite struct PoolTests {
    final class Connection: PooledConnection {
        let number: Int
        private let state = Mutex((isUsable: true, isClosed: false))

        init(number: Int) {
            self.number = number
        }

        var isUsable: Bool { state.withLock { $0.isUsable } }
        var isClosed: Bool { state.withLock { $0.isClosed } }
        func breakDown() { state.withLock { $0.isUsable = false } }
        func close() async { state.withLock { $0.isClosed = true } }
    }

    struct NoServer: Error, Equatable {}

    private let soon = Deadline.after(.seconds(30))

    private func pool(max: Int = 2, waiting: Int = 10) -> (ConnectionPool<Connection>, made: @Sendable () -> Int) {
        let made = Counter()
        let pool = ConnectionPool<Connection>(limits: PoolLimits(connectionsMax: max, waitingMax: waiting)) {
            Connection(number: made.next())
        }
        return (pool, { made.value })
    }

    final class Counter: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }
        func next() -> Int {
            count.withLock {
                $0 += 1
                return $0
            }
        }
    }

    final class Order: Sendable {
        private let list = Mutex<[Int]>([])
        var turns: [Int] { list.withLock { $0 } }
        func append(_ turn: Int) { list.withLock { $0.append(turn) } }
    }

    final class SharedState: Sendable {
        let state = Mutex(PoolState<Connection>())
    }

    @Test func aReturnedConnectionIsUsedAgain() async throws {
        let (pool, made) = pool()
        for _ in 0..<3 { try await pool.withConnection(deadline: soon) { #expect($0.number == 1) } }
        #expect(made() == 1)
    }

    @Test func connectionsKeepTheirBoundAndWaitersTheirTurn() async throws {
        let (pool, made) = pool(max: 1)
        let first = try await pool.checkout(deadline: soon)
        let order = Order()
        var tasks: [Task<Void, any Error>] = []
        for turn in 0..<3 {
            tasks.append(
                Task {
                    let connection = try await pool.checkout(deadline: soon)
                    order.append(turn)
                    pool.giveBack(connection)
                })
            while pool.waitingCount < turn + 1 { await Task.yield() }
        }
        pool.giveBack(first)
        for task in tasks { try await task.value }
        #expect(order.turns == [0, 1, 2])
        #expect(made() == 1)
    }

    @Test func aBrokenConnectionIsReplacedForWhoWaits() async throws {
        let (pool, _) = pool(max: 1)
        let first = try await pool.checkout(deadline: soon)
        let second = Task { try await pool.checkout(deadline: soon) }
        while pool.waitingCount == 0 { await Task.yield() }
        first.breakDown()
        pool.giveBack(first)
        #expect(try await second.value.number == 2)
    }

    @Test func waitingEndsAtTheDeadline() async throws {
        let (pool, _) = pool(max: 1)
        let held = try await pool.checkout(deadline: soon)
        await #expect(throws: DeadlineExceeded.self) {
            _ = try await pool.checkout(deadline: .after(.milliseconds(5)))
        }
        pool.giveBack(held)
        pool.giveBack(try await pool.checkout(deadline: soon))
    }

    @Test func waitingEndsWithItsTask() async throws {
        let (pool, _) = pool(max: 1)
        let held = try await pool.checkout(deadline: soon)
        let waiting = Task { try await pool.checkout(deadline: soon) }
        while pool.waitingCount == 0 { await Task.yield() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { _ = try await waiting.value }
        pool.giveBack(held)
    }

    @Test func tooManyWaitingAreRefused() async throws {
        let (pool, _) = pool(max: 1, waiting: 1)
        let held = try await pool.checkout(deadline: soon)
        let waiting = Task { try await pool.checkout(deadline: soon) }
        while pool.waitingCount == 0 { await Task.yield() }
        await #expect(throws: PoolError.exhausted(waitingMax: 1)) { _ = try await pool.checkout(deadline: soon) }
        pool.giveBack(held)
        pool.giveBack(try await waiting.value)
    }

    @Test func aServerThatIsAwayIsToldAtOnceUntilTheBackoffHasPassed() async throws {
        let tries = Counter()
        let backoff = Backoff(base: .seconds(3600), max: .seconds(3600))
        let pool = ConnectionPool<Connection>(limits: PoolLimits(connectionsMax: 4), backoff: backoff) {
            _ = tries.next()
            throw NoServer()
        }
        for _ in 0..<5 { await #expect(throws: NoServer()) { _ = try await pool.checkout(deadline: soon) } }
        #expect(tries.value == 1)
    }

    /// Whatever else is held for long, as a sweep's connection is.
    @Test(.timeLimit(.minutes(5))) func whoWaitsBesideACheckoutGetsTheNextAttempts() async throws {
        let tries = Counter()
        let backoff = Backoff(base: .milliseconds(1), max: .milliseconds(2))
        let pool = ConnectionPool<Connection>(limits: PoolLimits(connectionsMax: 2), backoff: backoff) {
            let number = tries.next()
            if (2...4).contains(number) { throw NoServer() }
            return Connection(number: number)
        }
        let held = try await pool.checkout(deadline: soon)
        #expect(try await pool.checkout(deadline: soon).number == 5)
        #expect(!held.isClosed)
    }

    @Test(.timeLimit(.minutes(5))) func attemptsThatFailTogetherCountAsOne() async {
        let pool = SharedState()
        let attempts = Counter()
        let now = ContinuousClock.now
        @Sendable func ask(at time: ContinuousClock.Instant) -> Task<Void, Never> {
            Task {
                let _: Connection? = try? await withCheckedThrowingContinuation { continuation in
                    let limits = PoolLimits(connectionsMax: 4)
                    let action = pool.state.withLock { state in
                        let waiter = PoolState.Waiter(id: state.makeID(), continuation: continuation)
                        return state.checkout(waiter, limits: limits, now: time)
                    }
                    switch action {
                    case .waitAndConnect(nil): _ = attempts.next()
                    case .refuse(let error): continuation.resume(throwing: error)
                    case .take, .wait, .waitAndConnect: break
                    }
                }
            }
        }
        @Sendable func fail() {
            let backoff = Backoff(base: .seconds(1), max: .seconds(3600))
            let action = pool.state.withLock { $0.connectFailed(NoServer(), now: now, backoff: backoff) }
            guard case .refuse(let waiters) = action else { return }
            for waiter in waiters { waiter.continuation.resume(throwing: NoServer()) }
        }
        let callers = (0..<4).map { _ in ask(at: now) }
        while attempts.value < 4 { await Task.yield() }
        for _ in 0..<4 { fail() }
        for caller in callers { await caller.value }
        await ask(at: now).value
        #expect(attempts.value == 4, "between two attempts nobody asks")
        let next = ask(at: now.advanced(by: .seconds(1)))
        while attempts.value < 5 { await Task.yield() }
        fail()
        await next.value
    }

    @Test func closingRefusesWhoWaitsAndClosesWhatComesBack() async throws {
        let (pool, _) = pool(max: 1)
        let held = try await pool.checkout(deadline: soon)
        let waiting = Task { try await pool.checkout(deadline: soon) }
        while pool.waitingCount == 0 { await Task.yield() }
        await pool.close()
        await #expect(throws: PoolError.closed) { _ = try await waiting.value }
        pool.giveBack(held)
        while !held.isClosed { await Task.yield() }
        await #expect(throws: PoolError.closed) { _ = try await pool.checkout(deadline: soon) }
    }
}
