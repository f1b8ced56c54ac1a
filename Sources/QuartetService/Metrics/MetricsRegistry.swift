package import CoreMetrics
import Synchronization

/// Keeps every metric of the process and writes them as Prometheus text.
///
/// Source: Prometheus, "Text-based format", version 0.0.4.
package final class MetricsRegistry: MetricsFactory {
    private struct State {
        var counters: [MetricKey: CounterValue] = [:]
        var gauges: [MetricKey: GaugeValue] = [:]
        var histograms: [MetricKey: HistogramValue] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let key = MetricKey(label, dimensions)
        return state.withLock { Self.value(in: &$0.counters, at: key, CounterValue()) }
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        let key = MetricKey(label, dimensions)
        return state.withLock { state -> any RecorderHandler in
            aggregate
                ? Self.value(in: &state.histograms, at: key, HistogramValue())
                : Self.value(in: &state.gauges, at: key, GaugeValue())
        }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let key = MetricKey(label, dimensions)
        return state.withLock { Self.value(in: &$0.histograms, at: key, HistogramValue()) }
    }

    private static func value<Value>(
        in values: inout [MetricKey: Value], at key: MetricKey, _ new: @autoclosure () -> Value
    ) -> Value {
        if let value = values[key] { return value }
        let value = new()
        values[key] = value
        return value
    }

    // A metric's value outlives its handler: the same label gives the same value again.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    /// Everything, as a scrape gets it.
    package func text() -> String {
        let (counters, gauges, histograms) = state.withLock { ($0.counters, $0.gauges, $0.histograms) }
        var text = ""
        write(counters, type: "counter", to: &text) { key, value, text in
            text += "\(key.label)\(key.braced()) \(value.value)\n"
        }
        write(gauges, type: "gauge", to: &text) { key, value, text in
            text += "\(key.label)\(key.braced()) \(value.value)\n"
        }
        write(histograms, type: "histogram", to: &text) { key, value, text in value.write(key, to: &text) }
        return text
    }

    private func write<Value>(
        _ values: [MetricKey: Value], type: String, to text: inout String,
        _ line: (MetricKey, Value, inout String) -> Void
    ) {
        var lastLabel = ""
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            if key.label != lastLabel { text += "# TYPE \(key.label) \(type)\n" }
            lastLabel = key.label
            line(key, value, &text)
        }
    }
}

/// A metric's name and labels.
struct MetricKey: Hashable, Comparable {
    let label: String
    let labels: String

    init(_ label: String, _ dimensions: [(String, String)]) {
        self.label = label
        labels = dimensions.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
    }

    func braced(adding extra: String = "") -> String {
        let all = [labels, extra].filter { !$0.isEmpty }.joined(separator: ",")
        return all.isEmpty ? "" : "{\(all)}"
    }

    static func < (left: MetricKey, right: MetricKey) -> Bool {
        (left.label, left.labels) < (right.label, right.labels)
    }

    private static func escaped(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy {
            $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\n")
        }
        // A request makes its counters anew, mostly with plain labels.
        if isPlain { return text }
        return text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
