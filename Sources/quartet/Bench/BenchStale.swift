import ArgumentParser
import QuartetBench
import QuartetCore
import QuartetStack

struct BenchStale: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stale",
        abstract:
            "Whether any reader is shown what is older than what was announced, and how long changes stay invisible.",
        discussion: """
            Readers and writers at two copies of the API, while invalidators are paused, a relay is killed and Redis comes back \
            from a snapshot; then the same readers and writers beside plain cache-aside. Ends with status 1 where a read was stale, \
            or where so many calls were refused that nothing is shown. Over Apache Kafka where KAFKA_HOME names its folder, else over \
            the embedded broker, which answers a consumer that waits each 100 ms only.
            """)

    @Option(help: "Writes of products in the first part.")
    var writes = 20_000

    @Option(help: "Products that they are of.")
    var products = 1_000

    @Option(help: "Callers that write without a pause.")
    var writers = 8

    @Option(help: "Callers that read without a pause.")
    var readers = 24

    func validate() throws {
        if !(1...1_000).contains(writers) { throw ValidationError("--writers is 1 to 1000") }
        if !(1...1_000).contains(readers) { throw ValidationError("--readers is 1 to 1000") }
        if writes < 1_000 { throw ValidationError("--writes is at least 1000") }
        if !(10...100_000).contains(products) { throw ValidationError("--products is 10 to 100000") }
    }

    func run() async throws {
        var sizes = StaleBench.Sizes()
        (sizes.writes, sizes.products, sizes.writers, sizes.readers) = (writes, products, writers, readers)
        var isClean = true
        let options = StackOptions(broker: try .preferred(substitute: .embedded(brokers: 1)))
        try await withBenchStack(options) { stack in
            let figures = try await StaleBench(stack: stack, sizes: sizes) { Terminal.say("bench: \($0)") }.run()
            Terminal.out(try ReportJSON.text(of: figures))
            if figures.isMostlyRefused {
                Terminal.say("bench: over a tenth of all calls were refused: this shows nothing")
            }
            isClean = !figures.isStale && !figures.isMostlyRefused
        }
        if !isClean { throw ExitCode(1) }
    }
}
