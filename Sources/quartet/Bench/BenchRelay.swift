import ArgumentParser
import QuartetBench
import QuartetCore
import QuartetStack

struct BenchRelay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay",
        abstract: "How fast the relay works off a backlog, how long an event takes at an even pace, and the CPU of it.",
        discussion: "Over Apache Kafka where KAFKA_HOME names its folder, else over the embedded broker; it says which."
    )

    @Option(help: "Events of the backlog, in transactions of 100.")
    var events = 500_000

    @Option(help: "Events a second, in transactions of 10.")
    var perSecond = 2_000

    @Option(help: "For how long.")
    var seconds = 20

    func validate() throws {
        if events < 10_000 { throw ValidationError("--events is at least 10000") }
        if !(1...20_000).contains(perSecond) { throw ValidationError("--per-second is 1 to 20000") }
        if !(1...600).contains(seconds) { throw ValidationError("--seconds is 1 to 600") }
    }

    func run() async throws {
        var sizes = RelayBench.Sizes()
        (sizes.events, sizes.perSecond, sizes.seconds) = (events, perSecond, seconds)
        let options = StackOptions(broker: try .preferred(substitute: .embedded(brokers: 1)))
        try await withBenchStack(options) { stack in
            let figures = try await RelayBench(stack: stack, sizes: sizes) { Terminal.say("bench: \($0)") }.run()
            Terminal.out(try ReportJSON.text(of: figures))
        }
    }
}
