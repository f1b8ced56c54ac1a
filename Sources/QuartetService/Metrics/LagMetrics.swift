import CoreMetrics
import Kafka
import Synchronization

/// How many records a group's consumer of this process has still to apply, by topic and partition. What others took over
/// counts there.
final class LagMetrics: Sendable {
    private let group: String
    private let factory: any MetricsFactory
    private let gauges = Mutex<[KafkaPartition: Gauge]>([:])

    init(group: String, factory: any MetricsFactory = MetricsSystem.factory) {
        self.group = group
        self.factory = factory
    }

    /// Takes in what one consumer is behind, in all partitions that it has.
    @Sendable func observe(_ lags: [KafkaPartition: Int64]) {
        gauges.withLock { gauges in
            for (partition, gauge) in gauges where lags[partition] == nil { gauge.record(0) }
            for (partition, records) in lags {
                let gauge = gauges[partition] ?? gauge(of: partition)
                gauges[partition] = gauge
                gauge.record(records)
            }
        }
    }

    private func gauge(of partition: KafkaPartition) -> Gauge {
        Gauge(
            label: "quartet_consumer_lag",
            dimensions: [
                ("group", group), ("topic", partition.topic), ("partition", "\(partition.partition)"),
            ], factory: factory)
    }
}
