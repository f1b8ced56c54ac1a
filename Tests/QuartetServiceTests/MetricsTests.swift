import CoreMetrics
import Kafka
import Testing

@testable import QuartetService

@Suite struct MetricsTests {
    private let registry = MetricsRegistry()

    private var lines: [String] { registry.text().split(separator: "\n").map(String.init) }

    private func counter(_ label: String, _ dimensions: [(String, String)] = [], _ amount: Int64 = 1) {
        registry.makeCounter(label: label, dimensions: dimensions).increment(by: amount)
    }

    @Test func countersOfOneNameStandUnderOneType() {
        counter("b_total", [("step", "read")], 2)
        counter("a_total")
        counter("b_total", [("step", "write"), ("kind", "x")], 3)
        #expect(
            registry.text() == """
                # TYPE a_total counter
                a_total 1
                # TYPE b_total counter
                b_total{step="read"} 2
                b_total{step="write",kind="x"} 3

                """)
    }

    @Test func theSameNameAndLabelsAreTheSameMetric() {
        for _ in 0..<3 { counter("a_total", [("k", "v")]) }
        #expect(lines == ["# TYPE a_total counter", "a_total{k=\"v\"} 3"])
    }

    @Test func labelsAreEscaped() {
        counter("a_total", [("path", "a\\b\"c\nd")])
        #expect(lines.last == #"a_total{path="a\\b\"c\nd"} 1"#)
    }

    @Test func whatAConsumerNoLongerHasIsNotItsLag() {
        let lag = LagMetrics(group: "g", factory: registry)
        func told(_ records: [Int32: Int64]) -> [String] {
            let lags = records.map { (KafkaPartition(topic: "t", partition: $0.key), $0.value) }
            lag.observe(Dictionary(uniqueKeysWithValues: lags))
            return lines
        }
        func expected(_ first: Int, _ second: Int) -> [String] {
            ["# TYPE quartet_consumer_lag gauge"]
                + [(0, first), (1, second)].map { partition, records in
                    "quartet_consumer_lag{group=\"g\",topic=\"t\",partition=\"\(partition)\"} \(Double(records))"
                }
        }
        #expect(told([0: 3, 1: 7]) == expected(3, 7))
        #expect(told([1: 8]) == expected(0, 8))
        #expect(told([:]) == expected(0, 0))
    }

    @Test func aGaugeIsItsLastValue() {
        let gauge = registry.makeRecorder(label: "g", dimensions: [], aggregate: false)
        gauge.record(7 as Int64)
        gauge.record(2.5 as Double)
        #expect(lines == ["# TYPE g gauge", "g 2.5"])
    }

    @Test func aTimerIsAHistogramOfSeconds() throws {
        let timer = registry.makeTimer(label: "t_seconds", dimensions: [("step", "read")])
        timer.recordNanoseconds(100_000)
        timer.recordNanoseconds(100_001)
        timer.recordNanoseconds(3_600_000_000_000)
        #expect(lines.first == "# TYPE t_seconds histogram")
        #expect(lines.contains(#"t_seconds_bucket{step="read",le="0.0001"} 1"#))
        #expect(lines.contains(#"t_seconds_bucket{step="read",le="0.0002"} 2"#))
        #expect(lines.contains(#"t_seconds_bucket{step="read",le="+Inf"} 3"#))
        #expect(lines.contains(#"t_seconds_count{step="read"} 3"#))
        let sum = try #require(lines.first { $0.hasPrefix("t_seconds_sum") }?.split(separator: " ").last)
        #expect(abs((Double(sum) ?? 0) - 3600.000200001) < 1e-6)
    }

    @Test func bucketsOnlyGrow() {
        let recorder = registry.makeRecorder(label: "items", dimensions: [], aggregate: true)
        for value in [1, 2, 3, 100, 1_000_000] as [Int64] { recorder.record(value) }
        let buckets = lines.filter { $0.hasPrefix("items_bucket") }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        #expect(buckets.count > 10)
        #expect(buckets == buckets.sorted())
        #expect(buckets.last == 5)
        #expect(lines.contains(#"items_bucket{le="2.0"} 2"#))
    }

    @Test func countsAreNotLostBetweenThreads() async {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<1000 { counter("a_total") } }
            }
        }
        #expect(lines.last == "a_total 8000")
    }

    @Test func everyLineIsOneThatAScraperTakes() {
        counter("a_total", [("k", "v")])
        registry.makeRecorder(label: "g", dimensions: [], aggregate: false).record(-1e-9 as Double)
        registry.makeTimer(label: "t_seconds", dimensions: []).recordNanoseconds(1)
        for line in lines where !line.hasPrefix("#") {
            #expect(
                line.wholeMatch(
                    of: /[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-z_]+="[^"]*",?)+\})? (-?[0-9.]+(e[-+]?[0-9]+)?|\+Inf)/) != nil,
                "\(line)")
        }
    }
}
