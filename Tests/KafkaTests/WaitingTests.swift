import ClientSupport
import Dispatch
import Testing

@testable import Kafka

@Suite struct WaitingTests {
    /// Looks, finds nothing and waits, while a release is already queued behind it on its own queue.
    private actor Waiter {
        private let executor = BlockingExecutor(label: "test.waiter")
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

        func waitForRelease() async -> String {
            let room = WaiterQueue<String>(timers: executor.queue)
            let id = room.makeID()
            executor.queue.async { room.release(id, with: "released") }
            return await room.wait(as: id, until: .after(.seconds(5)), late: "late", cancelled: "cancelled")
        }
    }

    @Test func noReleaseIsMissedBetweenLookingAndWaiting() async {
        let waiter = Waiter()
        for _ in 0..<5000 { #expect(await waiter.waitForRelease() == "released") }
    }

    @Test func aDeadlineReleases() async {
        let room = WaiterQueue<String>(timers: .global())
        #expect(await room.wait(as: room.makeID(), until: .after(.zero), late: "late", cancelled: "") == "late")
        #expect(room.isEmpty)
    }

    @Test func aCancelledCallerDoesNotWait() async {
        let room = WaiterQueue<String>(timers: .global())
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await room.wait(as: room.makeID(), until: nil, late: "late", cancelled: "cancelled")
        }
        #expect(await task.value == "cancelled")
        #expect(room.isEmpty)
    }

    @Test func anOutageIsNewsOnce() {
        var outage = Outage(quietMax: .seconds(10))
        let start = ContinuousClock.now
        let news = [(0, "refused"), (9, "refused"), (18, "timed out")].map { second, reason in
            outage.failed(reason, at: start + .seconds(second))
        }
        #expect(news == [true, false, false])
        #expect(outage.reason == "timed out")
        let ends = [outage.succeeded(), outage.succeeded()]
        #expect(ends == [true, false])
        let isNewsAgain = outage.failed("refused", at: start + .seconds(19))
        #expect(isNewsAgain)
    }

    @Test func anOutageAfterALongSilenceIsNewsAgain() {
        var outage = Outage(quietMax: .seconds(10))
        let start = ContinuousClock.now
        let news = [0, 10, 21].map { outage.failed("refused", at: start + .seconds($0)) }
        #expect(news == [true, false, true])
    }
}

@Suite struct DeliveryLedgerTests {
    private let error = KafkaError.closed("test")

    @Test func reportsFindTheirRecordsWhateverTheirOrder() {
        var finished: [UInt64] = []
        let ledger = DeliveryLedger { finished.append($0) }
        ledger.open(7, count: 3)
        for _ in 0..<3 { ledger.handedOver() }
        for index in [2, 0, 1] {
            #expect(!ledger.isFinished(7))
            ledger.report(
                ledger.opaque(7, index), .success(KafkaDelivery(partition: 0, offset: Int64(index))))
        }
        #expect(finished == [7])
        #expect(ledger.outstanding == 0)
        #expect(ledger.close(7, missing: error).map { try? $0.get().offset } == [0, 1, 2])
    }

    @Test func aReportForAForgottenBatchOnlyCounts() {
        let ledger = DeliveryLedger { _ in Issue.record("no batch is finished") }
        ledger.open(1, count: 2)
        ledger.handedOver()
        #expect(ledger.close(1, missing: error) == [.failure(error), .failure(error)])
        ledger.report(ledger.opaque(1, 0), .success(KafkaDelivery(partition: 0, offset: 0)))
        #expect(ledger.outstanding == 0)
    }

    @Test func abandoningFinishesEveryBatchAndKeepsWhatIsKnown() {
        var finished: Set<UInt64> = []
        let ledger = DeliveryLedger { finished.insert($0) }
        ledger.open(1, count: 2)
        ledger.open(2, count: 1)
        for _ in 0..<3 { ledger.handedOver() }
        ledger.report(ledger.opaque(1, 0), .success(KafkaDelivery(partition: 0, offset: 5)))
        ledger.abandon(with: error)
        #expect(finished == [1, 2])
        #expect(
            ledger.close(1, missing: error) == [.success(KafkaDelivery(partition: 0, offset: 5)), .failure(error)])
    }
}
