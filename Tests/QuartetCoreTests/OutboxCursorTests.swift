import QuartetCore
import QuartetTesting
import Testing

/// Random interleavings of writers and one reader, against a model of a database: ids from a sequence, rows visible from the
/// commit on, an aggregate locked from its change to the end of the transaction.
@Suite(.ownThread) struct OutboxCursorTests {
    private struct Row: Hashable {
        let id: Int64
        let transaction: UInt64
        let aggregate: Int
    }

    private struct Model {
        var nextTransaction: UInt64 = 1
        var nextID: Int64 = 1
        var open: [UInt64: [Row]] = [:]
        var visible: [Row] = []
        var locks: [Int: UInt64] = [:]

        /// The last one that has ended, of those that have.
        var lastEnded: UInt64 = 0

        /// As PostgreSQL tells it: of those behind the last one that has ended it lists none.
        mutating func snapshot() -> OutboxSnapshot? {
            let xmax = lastEnded + 1
            let listed = open.keys.filter { $0 < xmax }.sorted()
            let text = "\(listed.first ?? xmax):\(xmax):\(listed.map(String.init).joined(separator: ","))"
            let own = nextTransaction
            begin()
            end(own, commits: true)
            return OutboxSnapshot(text: text, own: own)
        }

        mutating func begin() {
            open[nextTransaction] = []
            nextTransaction += 1
        }

        mutating func write(_ transaction: UInt64, _ aggregate: Int) {
            guard locks[aggregate] == nil || locks[aggregate] == transaction else { return }
            locks[aggregate] = transaction
            open[transaction]?.append(Row(id: nextID, transaction: transaction, aggregate: aggregate))
            nextID += 1
        }

        mutating func end(_ transaction: UInt64, commits: Bool) {
            let rows = open.removeValue(forKey: transaction) ?? []
            lastEnded = max(lastEnded, transaction)
            if commits { visible += rows }
            locks = locks.filter { $0.value != transaction }
        }

        /// What the reader's statement gives: first what it comes back for, then what is behind its position.
        func read(_ cursor: OutboxCursor, limit: Int) -> (rows: [Row], isWhole: Bool) {
            let waiting = visible.filter { cursor.wants(transaction: $0.transaction, id: $0.id) }
                .sorted { ($0.id > cursor.position ? 1 : 0, $0.id) < ($1.id > cursor.position ? 1 : 0, $1.id) }
            return (Array(waiting.prefix(limit)), waiting.count <= limit)
        }
    }

    @Test(arguments: [false, true])
    func nothingIsPassedOverAndAggregatesStayInOrder(_ crashes: Bool) {
        for seed in 0..<1_000 as Range<UInt64> { run(seed, crashes: crashes) }
    }

    private func run(_ seed: UInt64, crashes: Bool) {
        var random = SplitMix(state: seed)
        var model = Model()
        var cursor = OutboxCursor()
        var delivered: [Row] = []
        var openMax = 0

        func step(limit: Int) {
            let (rows, isWhole) = model.read(cursor, limit: limit)
            guard !rows.isEmpty else { return }
            guard let snapshot = model.snapshot() else {
                Issue.record("seed \(seed): no snapshot")
                return
            }
            if crashes, Int.random(in: 0..<6, using: &random) == 0 { return }
            delivered += rows
            if crashes, Int.random(in: 0..<6, using: &random) == 0 { return }
            // Others go on between the read and the move.
            if let transaction = model.open.keys.sorted().randomElement(using: &random) {
                model.end(transaction, commits: true)
            }
            cursor.advance(past: rows.map { ($0.transaction, $0.id) }, in: snapshot, isWhole: isWhole)
            #expect(cursor.pending.count <= 2 * max(openMax, 1), "seed \(seed)")
            if crashes, Int.random(in: 0..<30, using: &random) == 0 {
                cursor = cursor.beginning(in: cursor.epoch + 1)
            }
        }

        for _ in 0..<120 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1: model.begin()
            case 2...5:
                if let transaction = model.open.keys.sorted().randomElement(using: &random) {
                    model.write(transaction, Int.random(in: 0..<5, using: &random))
                }
            case 6:
                if let transaction = model.open.keys.sorted().randomElement(using: &random) {
                    model.end(transaction, commits: Int.random(in: 0..<5, using: &random) > 0)
                }
            default: step(limit: Int.random(in: 1...6, using: &random))
            }
            openMax = max(openMax, model.open.count)
            let taken = Set(delivered)
            let missed = (model.visible + model.open.values.joined()).filter {
                $0.id <= cursor.settled && !taken.contains($0)
            }
            #expect(missed.isEmpty, "seed \(seed): settled at \(cursor.settled), not taken \(missed)")
        }
        for transaction in model.open.keys.sorted() { model.end(transaction, commits: true) }
        var rounds = 0
        while !model.read(cursor, limit: 1).rows.isEmpty, rounds < 10_000 {
            step(limit: 3)
            rounds += 1
        }
        #expect(Set(delivered) == Set(model.visible), "seed \(seed)")
        if !crashes { #expect(delivered.count == model.visible.count, "seed \(seed): a row came twice") }
        for aggregate in 0..<5 {
            var seen: Set<Int64> = []
            let firsts = delivered.filter { $0.aggregate == aggregate && seen.insert($0.id).inserted }.map(\.id)
            #expect(firsts == firsts.sorted(), "seed \(seed): aggregate \(aggregate) out of order")
        }
    }

    @Test func snapshotsAreReadAsPostgreSQLWritesThem() {
        #expect(
            OutboxSnapshot(text: "795:799:795,797", own: 799)
                == OutboxSnapshot(begin: 795, end: 799, inFlight: [795, 797]))
        #expect(OutboxSnapshot(text: "795:795:", own: 795) == OutboxSnapshot(begin: 795, end: 795, inFlight: []))
        #expect(
            OutboxSnapshot(text: "795:796:795", own: 798)
                == OutboxSnapshot(begin: 795, end: 798, inFlight: [795, 796, 797]))
        #expect(OutboxSnapshot(text: "7:8:7", own: 1_008)?.isComplete == true)
        let many = OutboxSnapshot(text: "7:8:7", own: 9_000_000_000_000)
        #expect(many?.isComplete == false && many?.inFlight.count == 1_001)
        for text in ["", "1:2", "a:2:", "1:b:", "1:2:3:4", "1:10:"] {
            #expect(OutboxSnapshot(text: text, own: 9) == nil)
        }
    }
}

/// Numbers that are the same in every run.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
