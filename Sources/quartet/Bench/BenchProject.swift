import ArgumentParser
import QuartetBench
import QuartetCore
import QuartetStack
import Synchronization

struct BenchProject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project",
        abstract: "How fast a read model is copied, and how far it is behind while its source changes.",
        discussion:
            "Over Apache Kafka where KAFKA_HOME names its folder, else over the embedded broker; or over RabbitMQ.")

    @Option(help: "Users of the source.")
    var users = 1_000_000

    @Option(help: "Changes a second, in transactions of 10.")
    var perSecond = 2_000

    @Option(help: "For how long.")
    var seconds = 20

    @Option(help: "What events go over: kafka or rabbitmq.")
    var bus = EventBus.kafka

    @Flag(help: "Print the figures as JSON.")
    var json = false

    func validate() throws {
        if !(1...20_000).contains(perSecond) { throw ValidationError("--per-second is 1 to 20000") }
        if !(1...600).contains(seconds) { throw ValidationError("--seconds is 1 to 600") }
        if users < perSecond * seconds * 2 { throw ValidationError("--users is at least twice the changes") }
    }

    func run() async throws {
        var sizes = ProjectBench.Sizes()
        (sizes.users, sizes.perSecond, sizes.seconds) = (users, perSecond, seconds)
        let options = StackOptions(
            broker: try .preferred(substitute: .embedded(brokers: 1)), hasRabbit: bus == .rabbitmq)
        try await withBenchStack(options) { stack in
            let bars = Bars()
            let figures = try await ProjectBench(stack: stack, bus: bus, sizes: sizes) { line in
                bars.finish()
                Terminal.say("bench: \(line)")
            }.run(observe: bars.advance)
            bars.finish()
            if json {
                Terminal.out(try ReportJSON.text(of: figures))
            } else {
                figures.lines.forEach(Terminal.out)
            }
        }
    }
}

/// A bar for whatever is being done.
private final class Bars: Sendable {
    private struct State {
        var bar: ProgressBar?
        var what = ""
        var done = 0
    }

    private let state = Mutex(State())

    @Sendable func advance(_ what: String, to done: Int, of total: Int) {
        state.withLock { state in
            if state.what != what {
                state.bar?.finish()
                state = State(bar: ProgressBar(what, total: total, unit: "rows"), what: what)
            }
            state.bar?.advance(by: done - state.done, total: total)
            state.done = done
        }
    }

    func finish() {
        state.withLock { state in
            state.bar?.finish()
            state = State()
        }
    }
}

extension EventBus: ExpressibleByArgument {}
