import ArgumentParser
import QuartetBench
import QuartetCore
import QuartetStack

struct BenchOrders: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orders", abstract: "How fast orders come in, by import and through the topic, beside COPY.",
        discussion: "Over Apache Kafka where KAFKA_HOME names its folder, else over the embedded broker.")

    @Option(help: "Orders of each way.")
    var orders = 100_000

    @Flag(help: "Print the figures as JSON.")
    var json = false

    func validate() throws {
        if !(1_000...10_000_000).contains(orders) { throw ValidationError("--orders is 1000 to 10000000") }
    }

    func run() async throws {
        let options = StackOptions(broker: try .preferred(substitute: .embedded(brokers: 1)))
        try await withBenchStack(options) { stack in
            let bench = try OrderBench(stack: stack, orders: orders) { Terminal.say("bench: \($0)") }
            let figures = try await bench.run()
            if json {
                Terminal.out(try ReportJSON.text(of: figures))
            } else {
                figures.lines.forEach(Terminal.out)
            }
        }
    }
}
