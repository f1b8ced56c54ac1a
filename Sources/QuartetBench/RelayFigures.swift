/// What a bench of the relay found. CPU is the relay process's, user and system.
package struct RelayFigures: Codable, Sendable {
    struct Backlog: Codable, Sendable {
        let events: Int
        let perTransaction: Int
        let perSecond: Int
        let cpuMillisecondsPer1000: Double
        let residentMegabytes: Int
    }

    /// Events in small transactions, at an even pace.
    struct Paced: Codable, Sendable {
        /// As many as were written: fewer than wanted where commits took too long.
        let perSecond: Int
        let perTransaction: Int
        let seconds: Int
        /// From sending the statement to its answer.
        let commitMilliseconds: LatencySummary
        /// From that answer on.
        let toAcknowledgedMilliseconds: LatencySummary
        let toConsumerMilliseconds: LatencySummary
        /// From sending the statement on.
        let sentToConsumerMilliseconds: LatencySummary
        let cpuMillisecondsPer1000: Double
    }

    let cores: Int
    let broker: String
    let backlog: Backlog
    let paced: Paced
}
