import ClientSupport
import Foundation
import QuartetCore
import Synchronization

/// Readers and writers of the same products, who all know at once what any writer was told.
struct StaleHammer: Sendable {
    let products: Int
    let writers: Int
    let readers: Int
    /// How long a change may stay invisible at worst.
    let bound: Duration
    /// Each begins a call so long after the last one was to begin; nil: at once behind its answer.
    var pace: (reads: Duration, writes: Duration)?

    struct Outcome: Sendable {
        var reads = 0
        var hits = 0
        var writes = 0
        var refused = 0
        var stale = 0
        var oldest = Duration.zero
        var beyondBound = 0
        var latencies = Latencies()
        var duration = Duration.zero

        mutating func add(_ other: Outcome) {
            (reads, hits, writes) = (reads + other.reads, hits + other.hits, writes + other.writes)
            (refused, stale, beyondBound) = (
                refused + other.refused, stale + other.stale, beyondBound + other.beyondBound
            )
            oldest = max(oldest, other.oldest)
            latencies.add(other.latencies)
        }
    }

    /// Until `writes` are written.
    ///
    /// - Parameter beside: what happens meanwhile; told how many writes there were.
    func run(
        _ subject: some StaleSubject, writes: Int,
        beside: @escaping @Sendable (@escaping @Sendable () -> Int) async throws -> Void = { _ in }
    ) async throws -> Outcome {
        let board = Announcements(products: products)
        let course = Course()
        let started = ContinuousClock.now
        var total = try await withThrowingTaskGroup(of: Outcome.self) { group in
            group.addTask {
                let outcome = await withTaskGroup(of: Outcome.self) { writing in
                    for writer in 0..<writers {
                        writing.addTask {
                            var outcome = Outcome()
                            var clock = Pacer(pace?.writes)
                            while course.taken.wrappingAdd(1, ordering: .relaxed).newValue <= writes {
                                await clock.next()
                                await write(subject, by: writer, board, &outcome)
                                course.done.wrappingAdd(1, ordering: .relaxed)
                            }
                            return outcome
                        }
                    }
                    return await writing.reduce(into: Outcome()) { $0.add($1) }
                }
                course.isOver.store(true, ordering: .relaxed)
                return outcome
            }
            for _ in 0..<readers {
                group.addTask {
                    var outcome = Outcome()
                    var clock = Pacer(pace?.reads)
                    while !course.isOver.load(ordering: .relaxed) {
                        await clock.next()
                        await read(subject, board, &outcome)
                    }
                    return outcome
                }
            }
            group.addTask {
                try await beside { course.done.load(ordering: .relaxed) }
                return Outcome()
            }
            return try await group.reduce(into: Outcome()) { $0.add($1) }
        }
        total.duration = started.duration(to: .now)
        return total
    }

    private func write(
        _ subject: some StaleSubject, by writer: Int, _ board: Announcements, _ outcome: inout Outcome
    ) async {
        let number = Self.number(below: products)
        let name = "\(writer)-\(UInt32.random(in: 0...UInt32.max))"
        do {
            board.announce(number, try await subject.write(BenchData.product(number), name: name))
            outcome.writes += 1
        } catch {
            outcome.refused += 1
        }
    }

    private func read(_ subject: some StaleSubject, _ board: Announcements, _ outcome: inout Outcome) async {
        let number = Self.number(below: products)
        let announced = board.versions(of: number)
        let began = ContinuousClock.now
        do {
            let (version, isHit) = try await subject.read(BenchData.product(number))
            outcome.latencies.add(began.duration(to: .now))
            outcome.reads += 1
            if isHit { outcome.hits += 1 }
            guard let newer = announced.first(where: { $0.version > version }) else { return }
            let age = newer.at.duration(to: began)
            outcome.stale += 1
            outcome.oldest = max(outcome.oldest, age)
            if age > bound { outcome.beyondBound += 1 }
        } catch {
            outcome.refused += 1
        }
    }

    /// Half of all calls are of a hundredth of the products.
    private static func number(below count: Int) -> Int {
        Bool.random() ? Int.random(in: 0..<count) : Int.random(in: 0..<max(1, count / 100))
    }
}

/// Says when a caller's next call is to begin.
private struct Pacer {
    private let pace: Duration?
    private var due = ContinuousClock.now

    init(_ pace: Duration?) {
        self.pace = pace
        // So that not all begin at once.
        if let pace { due += pace * Double.random(in: 0..<1) }
    }

    mutating func next() async {
        guard let pace else { return }
        try? await ContinuousClock().sleep(until: due)
        due = max(due + pace, .now)
    }
}

/// How far a run is.
private final class Course: Sendable {
    let taken = Atomic(0)
    let done = Atomic(0)
    let isOver = Atomic(false)
}

/// What writers were told of each product, the latest of it.
private final class Announcements: Sendable {
    struct Announced: Sendable {
        let version: Int64
        let at: ContinuousClock.Instant
    }

    private static let keptMax = 64
    private let products: Mutex<[[Announced]]>

    init(products count: Int) {
        products = Mutex(Array(repeating: [], count: count))
    }

    func announce(_ product: Int, _ version: Int64) {
        let now = ContinuousClock.now
        products.withLock { products in
            products[product].append(Announced(version: version, at: now))
            if products[product].count > Self.keptMax { products[product].removeFirst() }
        }
    }

    func versions(of product: Int) -> [Announced] { products.withLock { $0[product] } }
}
