import ArgumentParser
import CBroker
import Foundation
import Logging
import Mongo
import QuartetStack
import UnixSignals

/// One broker that stands for Kafka, at an address that stays the same from one process to the next. It keeps everything
/// in memory.
///
/// SIGUSR1 lets it close its connections and refuse new ones, SIGUSR2 take them again, SIGTERM and SIGINT end it.
@main
struct Broker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quartet-broker", abstract: "Stand for Kafka on one port of 127.0.0.1, for development and tests.")

    @Option(help: "Where it listens.")
    var port: UInt16

    @Option(help: "The folder by which its owner knows it; nothing is written there.")
    var data: String

    func run() async throws {
        var logger = Logger(label: "quartet-broker") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .notice
        // What it is linked with has made them, and brokers are killed.
        SharedCounters.remove()
        // Before it serves: a signal must not end it by accident.
        let signals = await UnixSignalsSequence(trapping: [.sigusr1, .sigusr2, .sigint, .sigterm])
        quartet_broker_port_reserve(port)
        let cluster = try MockCluster(logger: logger)
        guard cluster.bootstrapServers == ["127.0.0.1:\(port)"] else {
            throw ValidationError("it listens on \(cluster.bootstrapServers.joined(separator: ",")), not on \(port)")
        }
        logger.notice("serving on 127.0.0.1:\(port)")
        for await signal in signals {
            switch signal {
            case .sigusr1: try await cluster.brokerDown(1)
            case .sigusr2: try await cluster.brokerUp(1)
            default: return await cluster.stop()
            }
        }
    }
}
