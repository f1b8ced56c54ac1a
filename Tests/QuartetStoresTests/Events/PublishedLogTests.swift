import Kafka
import QuartetCore
import Testing

@testable import QuartetStores

@Suite struct PublishedLogTests {
    private func marks(_ ends: Int64...) -> [KafkaWatermarks] {
        ends.enumerated().map { KafkaWatermarks(partition: Int32($0.offset), low: 0, high: $0.element) }
    }

    @Test func aLogThatEndsBeforeWhatWasWrittenIsAnotherOne() {
        var logs = PublishedLogs()
        logs.saw(marks(4, 7), of: .analysis, known: nil)
        #expect(logs.takeLost().isEmpty)
        logs.wrote(KafkaDelivery(partition: 0, offset: 9), to: .analysis)
        // Written while the broker was asked.
        logs.saw(marks(4, 7), of: .analysis, known: [0: 4, 1: 7])
        #expect(logs.takeLost().isEmpty && logs.ends[.analysis] == [0: 10, 1: 7])
        logs.saw(marks(3, 0), of: .analysis, known: logs.ends[.analysis])
        #expect(logs.takeLost().isEmpty && logs.ends[.analysis] == [0: 10, 1: 7])
        logs.saw(marks(3, 0), of: .analysis, known: logs.ends[.analysis])
        #expect(logs.takeLost() == [.analysis] && logs.ends[.analysis] == [0: 3, 1: 0])
        #expect(logs.takeLost().isEmpty)
        for _ in 0..<2 { logs.saw([], of: .analysis, known: logs.ends[.analysis]) }
        #expect(logs.takeLost() == [.analysis])
    }

    @Test func oneLookThatFindsNothingTellsNothing() {
        var logs = PublishedLogs()
        logs.wrote(KafkaDelivery(partition: 0, offset: 9), to: .product)
        for _ in 0..<3 {
            logs.saw([], of: .product, known: logs.ends[.product])
            logs.saw(marks(10), of: .product, known: logs.ends[.product])
        }
        #expect(logs.takeLost().isEmpty)
    }

    @Test func whatIsEmptyAtTheFirstLookCountsAsLostOnce() {
        var logs = PublishedLogs()
        for _ in 0..<2 { logs.saw([], of: .product, known: nil) }
        #expect(logs.takeLost() == [.product])
        logs.saw([], of: .product, known: logs.ends[.product])
        logs.saw(marks(0, 0), of: .product, known: logs.ends[.product])
        #expect(logs.takeLost().isEmpty)
    }
}
