import Foundation

/// Two builds in turns: a machine that others use too is as fast for both then.
extension PipelineBench {
    /// - Parameter program: the other build's. It has to know this build's schemas.
    package func run(beside program: String) async throws -> PipelineTurns {
        try await stores.closing {
            try await prepare()
            var floors: [Double] = []
            var turns: [PipelineTurns.Turn] = []
            for round in 1...sizes.rounds {
                say("round \(round) of \(sizes.rounds): the floor")
                floors.append(try await measureFloor().perSecond)
                for subject in [program, nil] {
                    var bench = self
                    bench.program = subject
                    turns.append(try await bench.measureTurn())
                    say(turns.last?.line ?? "")
                }
            }
            floors.append(try await measureFloor().perSecond)
            return PipelineTurns(floorsPerSecond: floors.map { Int($0) }, turns: turns)
        }
    }

    private func measureTurn() async throws -> PipelineTurns.Turn {
        var meter = self
        meter.tellsCost = true
        let (queue, queueCost) = try await meter.costing("queue", of: sizes.analyses) {
            try await measureQueue(QueueLoad(analyses: sizes.analyses)).perSecond
        }
        let ((endToEnd, resident), endToEndCost) = try await meter.costing("end_to_end", of: sizes.analyses) {
            try await measureEndToEnd()
        }
        let light = try await measureLightTurn()
        return PipelineTurns.Turn(
            program: program ?? "this", queuePerSecond: Int(queue), endToEndPerSecond: Int(endToEnd),
            residentMegabytes: resident, lightLoad: light?.summary,
            cost: [queueCost, endToEndCost].compactMap(\.self))
    }

    private func measureLightTurn() async throws -> Latencies? {
        guard sizes.lightRequests > 0 else { return nil }
        let latencies = try await withRoles([]) { _, port in
            // The consumer's first join to its group.
            try await ContinuousClock().sleep(until: .now.advanced(by: .seconds(4)))
            let light = try LightLoad(port: port, key: key, requestsPerSecond: sizes.lightRequestsPerSecond)
            _ = try await light.run(count: 10)
            return try await light.run(count: sizes.lightRequests)
        }
        try await forget()
        return latencies
    }
}

/// What two builds did in turns.
package struct PipelineTurns: Codable, Sendable {
    package struct Turn: Codable, Sendable {
        let program: String
        let queuePerSecond: Int
        let endToEndPerSecond: Int
        let residentMegabytes: Int
        let lightLoad: LatencySummary?
        let cost: [PhaseCost]

        var line: String {
            let light = lightLoad.map { ", light load p50 \($0.p50) ms" } ?? ""
            let head =
                "\(program): queue \(queuePerSecond)/s, end to end \(endToEndPerSecond)/s, \(residentMegabytes) MB\(light)"
            return ([head] + cost.flatMap(\.lines)).joined(separator: "\n    ")
        }
    }

    /// Before each round, and after the last.
    let floorsPerSecond: [Int]
    let turns: [Turn]
}
