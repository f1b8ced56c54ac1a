import ArgumentParser
import Foundation
import QuartetChaos
import QuartetCore
import QuartetStack

struct Chaos: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Let roles and servers die under load on private servers, and prove that nothing is lost.",
        discussion: """
            Two copies of each role run in processes of their own under callers who note every 202. At moments that the seed
            decides roles and servers are killed or frozen, and the network between the two delays, holds back and cuts.
            Then everything is healed, and every accepted analysis is looked up in every store. The same seed and length give
            the same plan.

            Exits with 0 if all is as it must be, 1 if not, 2 if the storm could not be held.
            """,
        shouldDisplay: false)

    @Option(help: "How long the storm lasts; healing and proving come on top.")
    var minutes = 0.5

    @Option(help: "Decides what happens when; a random one unless given.")
    var seed: UInt64?

    @Option(help: "What events go over: kafka or rabbitmq.")
    var bus = EventBus.kafka

    @Flag(inversion: .prefixedNo, help: "Let the ways between processes and stores fail too.")
    var proxy = true

    @Flag(help: "Print the plan and do nothing.")
    var plan = false

    @Flag(help: "Print the figures as JSON.")
    var json = false

    @Option(
        help: "Where the servers' data and the roles' logs go; kept then. A temporary folder otherwise."
    )
    var data: String?

    func validate() throws {
        if !(0.1...10_000).contains(minutes) { throw ValidationError("--minutes is 0.1 to 10000") }
    }

    func run() async throws {
        let plan = ChaosPlan(
            seed: seed ?? UInt64.random(in: 0..<1_000_000), minutes: minutes, bus: bus, hasProxy: proxy)
        if self.plan {
            if json {
                Terminal.out(try ReportJSON.text(of: plan, isIndented: false))
            } else {
                plan.lines.forEach(Terminal.out)
            }
            return
        }
        let figures: ChaosFigures
        do {
            figures = try await hold(plan)
        } catch {
            Terminal.say("chaos: \(error)")
            throw ExitCode(2)
        }
        if json {
            Terminal.out(try ReportJSON.text(of: figures, isIndented: false))
        } else {
            figures.lines.forEach(Terminal.out)
        }
        if !figures.isGood { throw ExitCode(1) }
    }

    private func hold(_ plan: ChaosPlan) async throws -> ChaosFigures {
        let folder =
            data.map { URL(fileURLWithPath: $0, isDirectory: true) }
            ?? FileManager.default.temporaryDirectory.appendingPathComponent(
                "quartet-chaos-\(ProcessInfo.processInfo.processIdentifier)", isDirectory: true)
        Terminal.say(
            "chaos: seed \(plan.seed), \(plan.milliseconds / 1000) s, \(plan.faults.count) faults")
        // What stands for Kafka may end by itself: that must not end the storm.
        let options = StackOptions(
            broker: try bus == .kafka ? .preferred(substitute: .process) : .embedded(brokers: 1),
            hasRabbit: bus == .rabbitmq)
        let stack = try await LocalStack.start(directory: folder, options: options)
        Terminal.say("chaos: events go over \(bus == .kafka ? stack.kafka.summary : "RabbitMQ")")
        do {
            let figures = try await ChaosRun(plan: plan, stack: stack, folder: folder) {
                Terminal.say("chaos: \($0)")
            }
            .run()
            await stack.stop()
            if data == nil, figures.isGood {
                try? FileManager.default.removeItem(at: folder)
            } else {
                Terminal.say("chaos: data and logs are in \(folder.path)")
            }
            return figures
        } catch {
            await stack.stop()
            throw error
        }
    }
}
